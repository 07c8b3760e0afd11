#pragma once

// W3C extended logs, as IIS and CloudFront write them: lines that begin with #Fields say what the columns of those
// behind them are (docs/formats/log-format.md §6). Pure functions; any thread.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/schema.h"
#include "decoders/log_format.h"

namespace leat {

constexpr size_t kLongestW3cFields = 3800;  // bytes: they travel in the cutter's state

// What a line "#Fields: date time …" names, as it is kept: separated by single spaces. Empty: it is no such line, or
// one that cannot be used.
std::string w3c_fields_of(std::string_view line);

// The columns besides the standard ones that these fields fill.
std::vector<Field> w3c_extra_fields(std::string_view fields);

// `fields`: what holds at the beginning; empty: none.
std::unique_ptr<LineReader> make_w3c_reader(std::string_view fields, const Schema& schema);

// How many of `bytes`, whole lines, are read by one set of fields: all, or up to the next line #Fields behind other
// lines. `*fields`: what holds then.
size_t w3c_stretch(std::string_view bytes, std::string* fields);

// True when the first lines of a file say that it is such a log. `*decided`: false when more lines are needed.
bool looks_like_w3c(std::string_view bytes, bool* decided);

}  // namespace leat
