# The conformance suite (tests/sinks/README.md): a test for each check of each sink.
add_library(fail_calls MODULE sinks/fail_calls.c)
target_link_libraries(fail_calls PRIVATE ${CMAKE_DL_LIBS})

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS sinks/suite.py sinks/checks_write.py sinks/checks_read.py)
# All checks, or those that are named.
function(leat_sink_tests sink)
  set(checks ${ARGN})
  if(NOT checks)
    execute_process(COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/sinks/suite.py --list ${sink}
                    OUTPUT_VARIABLE checks OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE "\n" ";" checks "${checks}")
  endif()
  foreach(check ${checks})
    leat_script_test(sinks.${sink}.${check} LABELS "crash;sinks" TIMEOUT 300 COST 100
      COMMAND /usr/bin/python3 tests/sinks/suite.py --leat $<TARGET_FILE:leat> --shim $<TARGET_FILE:fail_calls> --sink ${sink} ${check})
  endforeach()
endfunction()
leat_sink_tests(sqlite)
leat_sink_tests(files)
# What depends on the format of the files.
leat_sink_tests(files-csv append golden types reals schema rejects)
leat_sink_tests(postgres)
leat_script_test(sinks.postgres.faults LABELS "crash;sinks" TIMEOUT 300 COST 50
  COMMAND /usr/bin/python3 tests/sinks/postgres_faults.py $<TARGET_FILE:leat> $<TARGET_FILE:fail_calls>)
# Against the stand-in, which the rows are read from.
leat_sink_tests(bigquery append ignore merge newest replace calls two_writers refused_rows schema aggregates beside golden http types reals verify status
  quiet rewind rejects top serve table_source)
if(LEAT_HAS_DUCKDB)
  leat_sink_tests(duckdb)
  leat_sink_tests(files-parquet append calls two_writers quiet golden http types reals schema verify rejects)
endif()
