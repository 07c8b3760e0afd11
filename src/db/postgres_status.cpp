#include "db/postgres_status.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace leat {
namespace {

struct Meaning {
  std::string_view state;  // or how it begins
  Kind kind;
  std::string_view what;
};

// The first that fits counts. {}: the server's words.
constexpr std::array<Meaning, 35> kMeanings{{
    {"08", Kind::retry, "the connection is lost ({}); leat goes on by itself when the server answers"},
    {"57P01", Kind::retry, "the server has ended the connection ({}); leat goes on by itself when it is back"},
    {"57P02", Kind::retry, "the server has crashed ({}); leat goes on by itself when it is back"},
    {"57P03", Kind::retry, "the server is not ready ({}); leat goes on by itself when it is"},
    {"57P05", Kind::retry, "the server has ended an idle connection ({}); leat goes on by itself"},
    {"57014", Kind::retry,
     "the server has broken off a statement ({}); look at its statement_timeout, leat tries again"},
    {"53100", Kind::retry, "the server's disk is full ({}); free space, leat goes on by itself"},
    {"53300", Kind::retry,
     "the server takes no more connections ({}); raise its max_connections or end others, leat goes on "
     "by itself"},
    {"53", Kind::retry, "the server has run out of something ({}); leat goes on by itself"},
    {"40", Kind::retry, "the transaction got into another one's way ({}); leat tries again"},
    {"55P03", Kind::retry, "another program holds a lock ({}); end its transaction, leat goes on by itself"},
    {"55006", Kind::retry, "another program uses what leat needs ({}); leat goes on by itself"},
    {"25P03", Kind::retry,
     "the server has ended an idle transaction ({}); look at its idle_in_transaction_session_timeout, "
     "leat tries again"},
    {"25006", Kind::retry,
     "the server takes no changes ({}): it is a standby, or set to read only; leat goes on by itself when "
     "it is the primary"},
    {"58", Kind::retry,
     "the server cannot read or write its files ({}); look at its log, leat goes on by itself when it works "
     "again"},
    {"28P01", Kind::bad_config, "the server does not take this password ({}); look at the url of the sink"},
    {"28", Kind::bad_config,
     "the server does not let this user in ({}); look at the url of the sink and the server's "
     "pg_hba.conf"},
    {"3D000", Kind::bad_config, "there is no such database ({}); make it: createdb, or name another one"},
    {"3F000", Kind::bad_config, "there is no such schema ({}); make it: CREATE SCHEMA, or name another one"},
    {"42501", Kind::bad_config, "the user may not do this ({}); GRANT it, or name another user"},
    {"42939", Kind::bad_config, "a name is reserved ({}); name another one"},
    {"54011", Kind::bad_config, "the table would have too many columns ({}); drop some"},
    {"54", Kind::bad_data, "the database refuses the row ({}); it is larger than PostgreSQL or an index takes"},
    {"22", Kind::bad_data, "the database refuses the row ({}); the value does not fit the column's type"},
    {"23", Kind::bad_data,
     "the database refuses the row ({}); look at the constraints, unique indexes and triggers that were "
     "added to the table"},
    {"P0001", Kind::bad_data,
     "the database refuses the row ({}); look at the constraints, unique indexes and triggers that "
     "were added to the table"},
    {"44000", Kind::bad_data, "the database refuses the row ({}); look at the view's conditions"},
    {"XX001", Kind::fatal, "the database is damaged ({}); restore it, or name another one"},
    {"XX002", Kind::fatal, "an index is damaged ({}); REINDEX it"},
    {"25P02", Kind::bug, "a statement came after one that had failed ({})"},
    {"42601", Kind::bug, "the server does not understand a statement ({})"},
    {"0A000", Kind::fatal,
     "the server cannot do this ({}); undo what was changed in leat's tables, or name another database"},
    {"42", Kind::fatal, "its tables are not as leat made them ({}); undo what was changed, or name another database"},
    {"26000", Kind::retry,
     "the connection was given to somebody else in between ({}); a pooler in front of the server must "
     "keep sessions (pool_mode = session)"},
    {"34000", Kind::retry,
     "the connection was given to somebody else in between ({}); a pooler in front of the server must "
     "keep sessions (pool_mode = session)"},
}};

}  // namespace

Status postgres_status(std::string_view state, const std::string& where, std::string_view text,
                       std::string_view detail) {
  std::string words = visible(trim(text), 500);
  if (!detail.empty()) words += ": " + visible(trim(detail), 300);
  for (const Meaning& meaning : kMeanings) {
    if (!state.starts_with(meaning.state)) continue;
    return Status::make(meaning.kind, where + ": " + fmt::format(fmt::runtime(meaning.what), words));
  }
  if (state.empty()) {
    return Status::retry(
        fmt::format("{}: the server does not answer ({}); leat goes on by itself when it does", where, words));
  }
  return Status::fatal(
      fmt::format("{}: unexpected state {} of the server ({}); look at its log", where, visible(state), words));
}

}  // namespace leat
