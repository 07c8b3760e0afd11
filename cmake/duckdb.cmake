# DuckDB, which a build may have or not (docs/decisions/0007-duckdb.md). Sets LEAT_HAS_DUCKDB and, where it is there,
# makes the target leat_duckdb. Whoever links it can say #ifdef LEAT_HAS_DUCKDB.
set(LEAT_DUCKDB "AUTO" CACHE STRING
  "AUTO: DuckDB as script/setup --duckdb has put it, if it is there; a folder with duckdb.h and libduckdb.so; OFF: without")

set(LEAT_HAS_DUCKDB OFF)
if(LEAT_DUCKDB STREQUAL "AUTO")
  set(cache "$ENV{XDG_CACHE_HOME}")
  if(NOT cache)
    set(cache "$ENV{HOME}/.cache")
  endif()
  set(folder "${cache}/leat/duckdb-1.4.4")
else()
  set(folder "${LEAT_DUCKDB}")
endif()
if(LEAT_DUCKDB AND EXISTS "${folder}/libduckdb.so" AND EXISTS "${folder}/duckdb.h")
  set(LEAT_HAS_DUCKDB ON)
  set(LEAT_DUCKDB_FOLDER "${folder}")
  add_library(leat_duckdb INTERFACE)
  target_include_directories(leat_duckdb SYSTEM INTERFACE "${folder}")
  target_compile_definitions(leat_duckdb INTERFACE LEAT_HAS_DUCKDB)
  # The library is loaded when it is first needed (src/db/duckdb_library.h), from the folders of the program's RPATH:
  # not RUNPATH, which dlopen() does not look at where a sanitizer stands between.
  target_link_options(leat_duckdb INTERFACE LINKER:--disable-new-dtags)
  target_link_libraries(leat_duckdb INTERFACE ${CMAKE_DL_LIBS})
  list(APPEND CMAKE_BUILD_RPATH "${folder}")
  message(STATUS "DuckDB: ${folder}")
elseif(LEAT_DUCKDB AND NOT LEAT_DUCKDB STREQUAL "AUTO")
  message(FATAL_ERROR "LEAT_DUCKDB: ${folder} does not have duckdb.h and libduckdb.so")
else()
  message(STATUS "DuckDB: not in this build (script/setup --duckdb fetches it)")
endif()
