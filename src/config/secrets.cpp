#include "config/secrets.h"

#include <fmt/format.h>

#include "base/text.h"

namespace leat {
namespace {

void put_into(Value& value, const SecretLookup& lookup, Complaints& complaints) {
  const std::string text = value.text;
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text.compare(i, 3, "$${") == 0) {
      out += "${";
      i += 3;
      continue;
    }
    if (text.compare(i, 2, "${") != 0) {
      out += text[i++];
      continue;
    }
    const size_t end = text.find('}', i);
    const std::string name = end == std::string::npos ? text.substr(i) : text.substr(i, end + 1 - i);
    const size_t colon = name.find(':');
    const std::string scheme = colon == std::string::npos ? "" : name.substr(2, colon - 2);
    if (end == std::string::npos || (scheme != "env" && scheme != "file")) {
      complaints.add(
          value.at,
          fmt::format("{} is neither ${{env:NAME}} nor ${{file:/path}}; a plain ${{ is written $${{", quoted(name)));
      return;
    }
    const Result<std::string> found = lookup(scheme, name.substr(colon + 1, name.size() - colon - 2));
    if (!found.ok()) {
      complaints.add(value.at, fmt::format("{}: {}", visible(name), found.status().message()));
      return;
    }
    out += *found;
    value.secrets.push_back(*found);
    i = end + 1;
  }
  if (!value.secrets.empty()) value.written = text;
  value.text = out;
}

}  // namespace

void put_secrets(Value& root, const SecretLookup& lookup, Complaints& complaints) {
  if (root.is_text()) put_into(root, lookup, complaints);
  for (Value& item : root.items) put_secrets(item, lookup, complaints);
  for (Entry& entry : root.entries) put_secrets(entry.value, lookup, complaints);
}

}  // namespace leat
