# Tests that are scripts: each ends with status 0 or is a failure.
add_test(NAME include_direction COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/include_direction.py)
set_tests_properties(include_direction PROPERTIES LABELS "unit")
