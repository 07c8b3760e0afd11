# The cases of tests/golden/, each under several settings. The list of cases is read when the tests run.
add_executable(golden_test golden_test.cpp)
target_link_libraries(golden_test PRIVATE leat_app leat_options GTest::gtest SQLite::SQLite3)
target_compile_definitions(golden_test PRIVATE LEAT_GOLDEN_DIR="${CMAKE_CURRENT_SOURCE_DIR}/golden")
gtest_discover_tests(golden_test DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES LABELS golden TIMEOUT 300)
