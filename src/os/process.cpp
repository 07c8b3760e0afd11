#include "os/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace leat::os {
namespace {

std::string host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::string boot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id.substr(0, 8);
}

// Field 22 of /proc/PID/stat; empty when there is no such process or it is dead already.
std::string start_ticks(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  if (!std::getline(file, line)) return "";
  const size_t name_end = line.rfind(')');  // the name may hold spaces and brackets
  if (name_end == std::string::npos) return "";
  std::istringstream rest(line.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) {
    if (!(rest >> field)) return "";
    if (i == 3 && (field == "Z" || field == "X")) return "";
  }
  return field;
}

}  // namespace

std::string self_name() {
  const std::string pid = std::to_string(::getpid());
  return "pid " + pid + " on " + host() + " (started " + start_ticks(pid) + " boot " + boot() + ")";
}

bool is_alive(const std::string& name) {
  std::istringstream words(name);
  std::string word_pid;
  std::string pid;
  words >> word_pid >> pid;
  if (word_pid != "pid" || pid.empty()) return false;
  const std::string ticks = start_ticks(pid);
  return !ticks.empty() && name == "pid " + pid + " on " + host() + " (started " + ticks + " boot " + boot() + ")";
}

std::string current_directory() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::current_path(error);
  return error ? "/" : path.string();
}

uint64_t allow_open_files(uint64_t count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;  // what any system gives
  if (limit.rlim_cur < count) {
    limit.rlim_cur = std::min<rlim_t>(count, limit.rlim_max);
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
    (void)::getrlimit(RLIMIT_NOFILE, &limit);
  }
  return std::min<uint64_t>(count, limit.rlim_cur);
}

uint64_t peak_memory_bytes() {
  std::ifstream file("/proc/self/status");
  std::string word;
  while (file >> word) {
    if (word == "VmHWM:") {
      uint64_t kib = 0;
      file >> kib;
      return kib * 1024;
    }
  }
  return 0;
}

}  // namespace leat::os
