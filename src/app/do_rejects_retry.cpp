#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "app/commands.h"
#include "app/talk.h"
#include "app/target.h"
#include "base/text.h"
#include "config/complaints.h"
#include "data/reject.h"
#include "os/clock.h"
#include "os/file_system.h"

namespace leat::app {
namespace {

struct Tried {
  uint64_t taken = 0;
  uint64_t unfit = 0;
  uint64_t cut = 0;          // their text was longer than what is kept
  uint64_t of_document = 0;  // they mean nothing without what stands around them
};

// Decodes the rejects of one pipeline again, in one transaction of its sink.
class Retry {
 public:
  Retry(const PipelineDeclared& pipeline, Store& store, const Note& note)
      : pipeline_(pipeline), store_(store), making_{os::file_system(), os::clock(), note, 0, ""} {}

  Result<Tried> run() {
    sink_ = pipeline_.sink.kind->make(pipeline_.sink.settings, making_);
    source_ = pipeline_.source.kind->make(pipeline_.source.settings, making_);
    LEAT_ASSIGN(decoder_, make_decoder(pipeline_, making_.note));
    SinkPlan plan = pipeline_.plan;
    LEAT_ASSIGN(plan.source_schema, sink_->source_schema(plan.pipeline));
    if (!plan.source_schema.empty()) LEAT_TRY(decoder_->restore_schema(plan.source_schema));
    transforms_ = make_transforms(pipeline_);
    if (decoder_->schema() == nullptr) {
      return Status::bad_config(
          fmt::format("pipeline {} has not seen what its columns are; run it first", quoted(plan.pipeline)));
    }
    LEAT_ASSIGN(plan.schema, bind_transforms(transforms_, decoder_->schema()));
    LEAT_ASSIGN(const Positions positions, sink_->open(plan));
    for (const Position& position : positions) {
      LEAT_ASSIGN(cutter_states_[position.part], source_->cutter_state(position));
    }
    RejectQuery query;
    query.pipeline = plan.pipeline;
    query.by_place = true;
    query.limit = INT64_MAX;
    query.raw_bytes = kRejectRawLimit;
    Status failed;
    LEAT_TRY(store_.rejects(query, [&](const StoredReject& reject) {
      failed = take(reject);
      return failed.ok();
    }));
    LEAT_TRY(std::move(failed));
    LEAT_TRY(sink_->commit({}, {}));
    // Not finish(): that is the end of a source, which replaces a table.
    sink_.reset();
    return tried_;
  }

 private:
  Status take(const StoredReject& reject) {
    if (reject.raw_length > reject.raw.size()) {
      ++tried_.cut;
      return {};
    }
    const std::unique_ptr<Cutter> cutter = decoder_->make_cutter(reject.origin);
    const bool is_record = reject.line > 0;  // else what an API has answered in place of some
    if (!is_record || !cutter->open_ended()) {
      ++tried_.of_document;
      return {};
    }
    Chunk chunk;
    chunk.bytes = reject.raw + '\n';
    chunk.context = cutter_states_[reject.part];
    if (chunk.context.empty()) {
      if (!cutter->whole(chunk.bytes, {.ended = true, .max_record = chunk.bytes.size()}).ok()) {
        ++tried_.unfit;
        return {};
      }
      chunk.context = cutter->save();
    }
    chunk.start = reject.byte_offset;
    chunk.first_line = reject.line;
    chunk.end = {reject.part, reject.origin, reject.byte_offset + chunk.bytes.size(), ""};
    RecordBatch batch(decoder_->schema());
    Rejects rejects;
    decoder_->decode(std::move(chunk), batch, rejects);
    uint64_t filtered = 0;
    for (const auto& transform : transforms_) transform->apply(batch, rejects, filtered);
    bool taken = rejects.empty() && batch.rows() + filtered == 1;
    if (taken) {
      LEAT_ASSIGN(taken, sink_->retry(reject.number, batch));
    }
    ++(taken ? tried_.taken : tried_.unfit);
    return {};
  }

  const PipelineDeclared& pipeline_;
  Store& store_;
  const Making making_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Decoder> decoder_;
  Transforms transforms_;
  std::map<std::string, std::string> cutter_states_;  // by part
  Tried tried_;
};

std::string in_words(const Tried& tried) {
  std::string text = fmt::format("{} of {} rejects are rows now", with_commas(tried.taken),
                                 with_commas(tried.taken + tried.unfit + tried.cut + tried.of_document));
  if (tried.unfit > 0) text += fmt::format("; {} do not fit", with_commas(tried.unfit));
  if (tried.cut > 0) text += fmt::format("; of {} only the first 64 KiB are kept", with_commas(tried.cut));
  if (tried.of_document > 0) {
    text += fmt::format("; {} mean nothing without the document around them (see: leat state rewind --help)",
                        with_commas(tried.of_document));
  }
  return text;
}

}  // namespace

int do_rejects_retry(const RejectsCommand& command, const Surroundings& surroundings) {
  // A transaction that is left ends where it began: leave at once.
  const std::stop_callback leave(surroundings.stop, [] { std::_Exit(130); });
  Talk talk(surroundings.err, Manner::plain, surroundings.colour, false);
  const auto fail = [&](const Status& status) {
    talk.message(NoteLevel::info, status.message());
    return status.kind() == Kind::bad_config ? 2 : 1;
  };
  const Result<PipelineFile> file = read_pipeline_file(command.target);
  if (!file.ok()) return fail(file.status());
  std::vector<std::string_view> names;
  for (const PipelineDeclared& pipeline : file->pipelines) names.push_back(pipeline.name);
  if (!command.pipeline.empty() && std::find(names.begin(), names.end(), command.pipeline) == names.end()) {
    return fail(Status::bad_config(fmt::format("{}: there is no pipeline {}{}", visible(command.target),
                                               quoted(command.pipeline), suggestion(command.pipeline, names))));
  }
  const Note note = [&](NoteLevel level, const std::string& text) { talk.note(level, "note", "", text); };
  for (const PipelineDeclared& pipeline : file->pipelines) {
    if (!command.pipeline.empty() && command.pipeline != pipeline.name) continue;
    if (pipeline.sink.kind->open_store == nullptr) continue;  // it keeps no rejects
    if (pipeline.plan.mode == WriteMode::replace) {
      talk.line(
          fmt::format("pipeline {}: the next run reads everything anew (write = 'replace')", quoted(pipeline.name)));
      continue;
    }
    const auto store = database_of(pipeline).open();
    if (!store.ok()) return fail(store.status());
    if (*store == nullptr) continue;  // it has not run yet
    const Result<Tried> tried = Retry(pipeline, **store, note).run();
    if (!tried.ok()) return fail(tried.status());
    surroundings.out << fmt::format("pipeline {}: {}\n", visible(pipeline.name), in_words(*tried)) << std::flush;
  }
  return 0;
}

}  // namespace leat::app
