#pragma once

// The times of access logs in other forms than "22/Nov/2026:13:39:28 +0000" (docs/formats/log-format.md §3): ISO 8601,
// seconds since 1970, Apache's %{…}t in pieces. Functions are pure; a TimePieces belongs to one line and thread.

#include <cstdint>
#include <string>
#include <string_view>

namespace leat {

// "2026-11-22T13:39:28+00:00", also with a fraction, 'Z', or no zone (UTC) at the beginning of `text`. Returns the
// bytes taken, 0 when it is no time.
size_t read_iso_time(std::string_view text, int64_t* micros);

// "1795354768.287" at the beginning of `text`; `scale`: micros of one unit. Bytes taken, 0 when it is none.
size_t read_epoch(std::string_view text, int64_t scale, int64_t* micros);

// Why a %{format}t cannot be read; empty when it can.
std::string trouble_with_time_format(std::string_view format);

// What several %{…}t of one line say together.
class TimePieces {
 public:
  void clear() { *this = TimePieces(); }
  // Reads one piece at the beginning of `text`: bytes taken. False: it does not fit, `taken` is how far it does.
  bool read(std::string_view format, std::string_view text, size_t* taken);
  // False: there is no such time, or not all of it was said.
  bool time(int64_t* micros) const;

 private:
  bool read_letter(char letter, std::string_view text, size_t* taken);
  bool read_number(std::string_view text, size_t digits, int64_t* value, size_t* taken);
  bool read_name(std::string_view text, std::string_view names, size_t width, int64_t* value, size_t* taken);
  bool read_all(std::string_view letters, std::string_view text, size_t* taken);
  bool read_zone(std::string_view text, size_t* taken);

  int64_t year_ = -1;
  int64_t month_ = -1;
  int64_t day_ = -1;
  int64_t hour_ = 0;
  int64_t minute_ = 0;
  int64_t second_ = 0;
  int64_t fraction_ = 0;  // microseconds
  int64_t zone_minutes_ = 0;
  int64_t epoch_micros_ = -1;
};

}  // namespace leat
