#include "data/reject.h"

namespace leat {

Reject make_reject(std::string_view part, std::string_view origin, uint64_t byte_offset, uint64_t line,
                   std::string_view column, std::string reason, std::string_view record) {
  Reject reject;
  reject.part = part;
  reject.origin = origin;
  reject.byte_offset = byte_offset;
  reject.line = line;
  reject.column = column;
  reject.reason = std::move(reason);
  reject.raw = record.substr(0, kRejectRawLimit);
  reject.raw_length = record.size();
  reject.raw_hash = hash128(record);
  return reject;
}

}  // namespace leat
