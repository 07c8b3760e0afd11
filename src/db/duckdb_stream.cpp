#include "db/duckdb_stream.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>

#include "db/duckdb_library.h"

namespace leat {

// Where the statement's thread offers a chunk, and gets it back with rows in it.
struct DuckDbStream::Meeting {
  std::vector<DuckDbColumn> columns;
  std::mutex mutex;
  std::condition_variable changed;
  duckdb_data_chunk offered = nullptr;  // not given back yet
  size_t rows = 0;                      // of the one that was given back; 0: there are no more
  bool abandoned = false;
  bool ended = false;
  Status outcome;  // of the statement, when it has ended
};

namespace {

constexpr const char* kFunction = "leat_rows";

}  // namespace

// What DuckDB calls, with a Meeting's address as the parameter.
struct DuckDbStreamFunction {
  using Meeting = DuckDbStream::Meeting;

  static void bind(duckdb_bind_info info) {
    duckdb_value parameter = duckdb().bind_get_parameter(info, 0);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the parameters of a statement are values of SQL
    auto* const meeting = reinterpret_cast<Meeting*>(duckdb().get_int64(parameter));
    duckdb().destroy_value(&parameter);
    for (const DuckDbColumn& column : meeting->columns) {
      duckdb_logical_type type = duckdb().create_logical_type(duckdb_type_of(column.type, column.bytes));
      duckdb().bind_add_result_column(info, column.name.c_str(), type);
      duckdb().destroy_logical_type(&type);
    }
    duckdb().bind_set_bind_data(info, meeting, [](void*) {});
  }

  static void init(duckdb_init_info /*info*/) {}

  static void fill(duckdb_function_info info, duckdb_data_chunk chunk) {
    auto* const meeting = static_cast<Meeting*>(duckdb().function_get_bind_data(info));
    std::unique_lock lock(meeting->mutex);
    meeting->offered = chunk;
    meeting->changed.notify_all();
    meeting->changed.wait(lock, [&] { return meeting->offered == nullptr || meeting->abandoned; });
    meeting->offered = nullptr;
    if (meeting->abandoned) {
      duckdb().function_set_error(info, "nobody wants its result any more");
    } else {
      duckdb().data_chunk_set_size(chunk, meeting->rows);
    }
  }

  static Status add_to(const DuckDb& db) {
    duckdb_table_function function = duckdb().create_table_function();
    duckdb().table_function_set_name(function, kFunction);
    duckdb_logical_type address = duckdb().create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb().table_function_add_parameter(function, address);
    duckdb().destroy_logical_type(&address);
    duckdb().table_function_set_bind(function, bind);
    duckdb().table_function_set_init(function, init);
    duckdb().table_function_set_function(function, fill);
    const duckdb_state state = duckdb().register_table_function(db.connection(), function);
    duckdb().destroy_table_function(&function);
    return state == DuckDBSuccess ? Status() : Status::bug(db.where() + ": a table function cannot be added");
  }
};

Status DuckDbStream::prepare(const DuckDb& db) {
  return DuckDbStreamFunction::add_to(db);
}

DuckDbStream::DuckDbStream(std::unique_ptr<Meeting> meeting) : meeting_(std::move(meeting)) {}

Result<std::unique_ptr<DuckDbStream>> DuckDbStream::begin(const DuckDb& db, std::vector<DuckDbColumn> columns,
                                                          const std::function<std::string(const std::string&)>& sql) {
  auto meeting = std::make_unique<Meeting>();
  meeting->columns = std::move(columns);
  std::unique_ptr<DuckDbStream> stream(new DuckDbStream(std::move(meeting)));
  LEAT_ASSIGN(stream->connection_, db.connect_again());
  Meeting& at = *stream->meeting_;
  std::string statement = sql(fmt::format("{}({})", kFunction, reinterpret_cast<int64_t>(&at)));
  stream->thread_ = std::thread([&at, &connection = *stream->connection_, statement = std::move(statement)] {
    Status outcome = connection.execute(statement);
    const std::lock_guard lock(at.mutex);
    at.outcome = std::move(outcome);
    at.ended = true;
    at.changed.notify_all();
  });
  return stream;
}

DuckDbStream::~DuckDbStream() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(meeting_->mutex);
    meeting_->abandoned = true;
    meeting_->changed.notify_all();
  }
  thread_.join();
}

void DuckDbStream::hand_over() {
  const std::lock_guard lock(meeting_->mutex);
  meeting_->rows = rows();
  meeting_->offered = nullptr;
  has_chunk_ = false;
  meeting_->changed.notify_all();
}

Status DuckDbStream::make_room() {
  if (has_chunk_ && room() > 0) return {};
  if (has_chunk_) hand_over();
  std::unique_lock lock(meeting_->mutex);
  meeting_->changed.wait(lock, [&] { return meeting_->offered != nullptr || meeting_->ended; });
  if (meeting_->offered == nullptr) {
    return meeting_->outcome.ok() ? Status::bug(connection_->where() + ": a statement has ended before its rows")
                                  : meeting_->outcome.clone();
  }
  look_up(meeting_->offered, meeting_->columns.size());
  has_chunk_ = true;
  return {};
}

Status DuckDbStream::finish() {
  if (has_chunk_ && rows() > 0) hand_over();
  LEAT_TRY(make_room());
  hand_over();  // with no rows
  thread_.join();
  return meeting_->outcome.clone();
}

}  // namespace leat
