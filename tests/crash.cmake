# The kill loop, short: script/soak runs it long. First, because it takes longest.
leat_script_test(kill_loop LABELS crash TIMEOUT 400 COST 1000
  COMMAND /usr/bin/python3 tests/crash/kill_loop.py --leat $<TARGET_FILE:leat> --kills 120
          --report ${CMAKE_BINARY_DIR}/kill_loop.txt)
leat_script_test(mutants LABELS crash TIMEOUT 600 COST 900
  COMMAND /usr/bin/python3 tests/crash/mutants.py --build ${CMAKE_BINARY_DIR})
