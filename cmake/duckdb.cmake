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
  add_library(leat_duckdb SHARED IMPORTED)
  set_target_properties(leat_duckdb PROPERTIES IMPORTED_LOCATION "${folder}/libduckdb.so"
    INTERFACE_INCLUDE_DIRECTORIES "${folder}" INTERFACE_COMPILE_DEFINITIONS LEAT_HAS_DUCKDB)
  message(STATUS "DuckDB: ${folder}")
elseif(LEAT_DUCKDB AND NOT LEAT_DUCKDB STREQUAL "AUTO")
  message(FATAL_ERROR "LEAT_DUCKDB: ${folder} does not have duckdb.h and libduckdb.so")
else()
  message(STATUS "DuckDB: not in this build (script/setup --duckdb fetches it)")
endif()
