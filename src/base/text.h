#pragma once

// Text as people read and write it: escaping of untrusted bytes, numbers, sizes, durations, suggestions.
// Pure functions; any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leat {

// `bytes` made safe to show on a terminal or in a log line: control characters, DEL, C1 controls and bytes that are
// not UTF-8 become \xHH, a newline \n, a tab \t. At most `limit` bytes of input are shown, then "…".
std::string visible(std::string_view bytes, size_t limit = 200);

// visible() between single quotes: 'abc'.
std::string quoted(std::string_view bytes, size_t limit = 200);

// True when `bytes` is valid UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_utf8(std::string_view bytes);

// Length in bytes of the valid UTF-8 sequence that `bytes` begins with; 0 when it begins with none. Size must be ≥ 1.
size_t utf8_sequence(std::string_view bytes);

// 1234567 → "1,234,567".
std::string with_commas(uint64_t number);

// 1536 → "1.5 KiB"; 999 → "999 B".
std::string human_bytes(uint64_t bytes);

// 73 → "1m 13s"; 3700 → "1h 01m"; 200000 → "2d 07h".
std::string human_seconds(uint64_t seconds);

// A whole decimal number filling the whole text, no sign but a leading '-'; nothing otherwise or out of range.
std::optional<int64_t> parse_integer(std::string_view text);

// "64MiB", "512KiB", "1GB", "100" (bytes). Nothing when it is not a size.
std::optional<uint64_t> parse_bytes(std::string_view text);

// "1s", "250ms", "5m", "3h", "2d". Milliseconds. Nothing when it is not a duration.
std::optional<uint64_t> parse_duration_ms(std::string_view text);

// The candidate that `word` was probably meant to be, or an empty view: at most 2 edits (a third of the length for
// short words) counting insertions, deletions, substitutions and neighbours swapped.
std::string_view did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

// ASCII letters only.
std::string lower_case(std::string_view text);

// ASCII letters are the same in upper and lower case.
bool equal_ignoring_case(std::string_view a, std::string_view b);

std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string join(std::span<const std::string> parts, std::string_view separator);

// How many '\n' there are.
uint64_t count_newlines(std::string_view bytes);

}  // namespace leat
