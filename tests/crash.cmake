# The kill loop, short: script/soak runs it long. First, because it takes longest.
leat_script_test(kill_loop LABELS crash TIMEOUT 400 COST 1000
  COMMAND /usr/bin/python3 tests/crash/kill_loop.py --leat $<TARGET_FILE:leat> --kills 120
          --report ${CMAKE_BINARY_DIR}/kill_loop.txt)
# Every rotation, short likewise; and what writes and rotates logs in the world.
leat_script_test(rotations LABELS crash TIMEOUT 600 COST 950
  COMMAND /usr/bin/python3 tests/crash/rotations.py --leat $<TARGET_FILE:leat> --kills 63
          --report ${CMAKE_BINARY_DIR}/rotations.txt)
leat_script_test(real_nginx LABELS crash TIMEOUT 400 COST 940
  COMMAND /usr/bin/python3 tests/crash/real_nginx.py --leat $<TARGET_FILE:leat> --kills 16
          --report ${CMAKE_BINARY_DIR}/real_nginx.txt)
leat_script_test(two_steps LABELS crash TIMEOUT 300 COST 310
  COMMAND /usr/bin/python3 tests/crash/two_steps.py --leat $<TARGET_FILE:leat> --rounds 3)
# Kills while one document is read, with what its records inherit from further out.
leat_script_test(documents LABELS crash TIMEOUT 400 COST 920
  COMMAND /usr/bin/python3 tests/crash/documents.py --leat $<TARGET_FILE:leat> --kills 30 --size 20MB)
# Kills while an API that fails at random is dumped in 200 windows.
leat_script_test(api_kill LABELS crash TIMEOUT 600 COST 930
  COMMAND /usr/bin/python3 tests/crash/api_kill.py --leat $<TARGET_FILE:leat> --kills 12)
leat_script_test(mutants LABELS crash TIMEOUT 900 COST 900
  COMMAND /usr/bin/python3 tests/crash/mutants.py --build ${CMAKE_BINARY_DIR})
