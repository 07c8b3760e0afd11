#pragma once

// This process and others on the machine. Any thread.

#include <cstdint>
#include <string>

namespace leat::os {

// Names a process so that a later one with the same number is not taken for it: host, pid, the time it started
// (field 22 of /proc/PID/stat, clock ticks since boot) and the boot (/proc/sys/kernel/random/boot_id).
// As text: "pid 123 on web1 (started 456789 boot 0a1b2c3d)".
std::string self_name();

// True when `name` (from self_name(), maybe of an earlier process) is a process of this machine that still lives.
bool is_alive(const std::string& name);

// Where relative paths begin; "/" when it cannot be told.
std::string current_directory();

// Lets this process have `count` files open, or as many as it may; how many that is.
uint64_t allow_open_files(uint64_t count);

// Peak resident memory of this process in bytes (VmHWM).
uint64_t peak_memory_bytes();

}  // namespace leat::os
