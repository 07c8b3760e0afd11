// A document like those that a vulnerability scanner's API sends (docs/formats/xml.md §1).  make_xml MEGABYTES [SEED]

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/hash.h"

namespace {

uint64_t state = 1;

uint64_t below(uint64_t most) {
  state = leat::mix64(state + 0x9E3779B97F4A7C15ULL);
  return state % most;
}

std::string time_text() {
  return fmt::format("20{}-{:02}-{:02}T{:02}:{:02}:{:02}Z", 16 + below(10), 1 + below(12), 1 + below(28), below(24),
                     below(60), below(60));
}

void add_detection(std::string& out, uint64_t number) {
  constexpr const char* kStatus[] = {"Active", "New", "Fixed", "Re-Opened"};
  constexpr const char* kType[] = {"Confirmed", "Potential", "Info"};
  out += fmt::format(
      "          <DETECTION>\n            <UNIQUE_VULN_ID>{}</UNIQUE_VULN_ID>\n            <QID>{}</QID>\n"
      "            <TYPE>{}</TYPE>\n            <SEVERITY>{}</SEVERITY>\n",
      number, 10000 + below(300000), kType[below(3)], 1 + below(5));
  if (below(3) > 0)
    out += fmt::format("            <PORT>{}</PORT>\n            <PROTOCOL>tcp</PROTOCOL>\n", below(65536));
  out += fmt::format("            <SSL>{}</SSL>\n            <RESULTS><![CDATA[", below(2));
  for (uint64_t i = 1 + below(4); i > 0; --i) {
    out += fmt::format("Package version {}.{} installed & found <{:x}>\n", below(10), below(100), below(1U << 30));
  }
  out += fmt::format(
      "]]></RESULTS>\n            <STATUS>{}</STATUS>\n            <FIRST_FOUND_DATETIME>{}</FIRST_FOUND_DATETIME>\n"
      "            <LAST_FOUND_DATETIME>{}</LAST_FOUND_DATETIME>\n            <TIMES_FOUND>{}</TIMES_FOUND>\n"
      "            <LAST_TEST_DATETIME>{}</LAST_TEST_DATETIME>\n            "
      "<LAST_UPDATE_DATETIME>{}</LAST_UPDATE_DATETIME>\n"
      "            <IS_IGNORED>0</IS_IGNORED>\n            <IS_DISABLED>0</IS_DISABLED>\n"
      "            <LAST_PROCESSED_DATETIME>{}</LAST_PROCESSED_DATETIME>\n          </DETECTION>\n",
      kStatus[below(4)], time_text(), time_text(), below(1000), time_text(), time_text(), time_text());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fputs("usage: make_xml MEGABYTES [SEED]\n", stderr);
    return 2;
  }
  const uint64_t bytes = std::strtoull(argv[1], nullptr, 10) * 1'000'000;
  if (argc == 3) state = std::strtoull(argv[2], nullptr, 10);
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<!DOCTYPE HOST_LIST_VM_DETECTION_OUTPUT SYSTEM "
      "\"https://example.com/out.dtd\">\n<HOST_LIST_VM_DETECTION_OUTPUT>\n  <RESPONSE>\n    "
      "<DATETIME>2026-11-22T12:00:00Z</DATETIME>\n    <HOST_LIST>\n";
  uint64_t number = 0;
  for (uint64_t written = 0; written < bytes;) {
    out += fmt::format(
        "      <HOST>\n        <ID>{}</ID>\n        <IP>10.{}.{}.{}</IP>\n        "
        "<TRACKING_METHOD>IP</TRACKING_METHOD>\n"
        "        <OS><![CDATA[Linux {}.{}]]></OS>\n        <DNS><![CDATA[host{}.example.com]]></DNS>\n"
        "        <LAST_SCAN_DATETIME>{}</LAST_SCAN_DATETIME>\n        <DETECTION_LIST>\n",
        1000 + number, below(256), below(256), below(256), below(7), below(20), number, time_text());
    for (uint64_t i = 1 + below(60); i > 0; --i) add_detection(out, ++number);
    out += "        </DETECTION_LIST>\n      </HOST>\n";
    if (number % 64 == 0) out += "<!-- keep-alive for HOST_LIST_VM_DETECTION_OUTPUT -->\n";
    written += out.size();
    std::fwrite(out.data(), 1, out.size(), stdout);
    out.clear();
  }
  std::fputs("    </HOST_LIST>\n  </RESPONSE>\n</HOST_LIST_VM_DETECTION_OUTPUT>\n", stdout);
  return 0;
}
