#include "db/duckdb_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <type_traits>

#include "base/text.h"

namespace leat {
namespace {

constexpr const char* kName = "libduckdb.so";

DuckDbLibrary& library() {
  static DuckDbLibrary functions;
  return functions;
}

Status load() {
  // Beside the program, in ../lib of its folder, or where the build has found it (CMakeLists.txt: RPATH).
  void* const handle = dlopen(kName, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return Status::bad_config(fmt::format(
        "DuckDB cannot be loaded ({}); put {} beside the program, or run `script/setup --duckdb` and build again",
        visible(dlerror()), kName));
  }
  const char* missing = nullptr;
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (function == nullptr && missing == nullptr) missing = name;
  };
#define LEAT_FIND(name) find("duckdb_" #name, library().name);
  LEAT_DUCKDB_FUNCTIONS(LEAT_FIND)
#undef LEAT_FIND
  if (missing == nullptr) return {};
  return Status::bad_config(
      fmt::format("{} has no function {}; put that of DuckDB 1.4 or newer in its place", kName, missing));
}

}  // namespace

Status load_duckdb() {
  static const Status outcome = load();
  return outcome.clone();
}

const DuckDbLibrary& duckdb() {
  return library();
}

}  // namespace leat
