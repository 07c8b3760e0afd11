#pragma once

// "${env:NAME}" and "${file:/path}" in the texts of a pipeline file become what they name; "$${" is a plain "${".
// Done on parsed values, so that a secret can hold any character and is never read as TOML. One thread.

#include <functional>
#include <string>

#include "base/status.h"
#include "config/complaints.h"
#include "config/value.h"

namespace leat {

// `scheme` is "env" or "file". A failure's message says what is wrong without the value: "… is not set".
using SecretLookup = std::function<Result<std::string>(const std::string& scheme, const std::string& name)>;

// Texts that got a secret keep what was written, which is what messages show (value.h, shown()).
void put_secrets(Value& root, const SecretLookup& lookup, Complaints& complaints);

}  // namespace leat
