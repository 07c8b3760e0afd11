#include "app/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "app/last_day.h"
#include "app/print_results.h"
#include "app/progress.h"
#include "app/scheduled.h"
#include "app/target.h"
#include "app/top_model.h"
#include "app/top_view.h"
#include "base/redaction.h"
#include "base/text.h"
#include "base/time.h"
#include "os/screen.h"
#include "os/service.h"

namespace leat::app {
namespace {

constexpr uint64_t kDrawEveryMs = 500;
constexpr uint64_t kLogEveryMs = 10'000;
constexpr uint32_t kAttemptsOnce = 4;
constexpr uint32_t kAttemptsScheduled = 10;  // over a minute: nobody waits for it, and the next run may be hours away
constexpr size_t kMostLines = 12;
constexpr size_t kRowsForCounts = 20;  // of the terminal: what was said before is to stay in sight
constexpr size_t kMostCountRows = 10;

// Passes everything on, and keeps which parts were read for the closing line.
class PartCounter final : public Source {
 public:
  explicit PartCounter(std::unique_ptr<Source> source) : source_(std::move(source)) {}

  Status open(SourceRequest request) override {
    goes_on_ = !request.resume.empty();
    return source_->open(std::move(request));
  }
  Result<Reading> read(const std::stop_token& stop) override {
    Result<Reading> reading = source_->read(stop);
    if (reading.ok() && !reading->chunk.bytes.empty()) {
      const std::lock_guard lock(mutex_);
      parts_.insert(reading->chunk.end.part);
    }
    return reading;
  }
  void again(const std::string& part, uint64_t wait_ms) override { source_->again(part, wait_ms); }
  void committed(const Positions& positions) override { source_->committed(positions); }
  [[nodiscard]] std::optional<uint64_t> backlog_bytes() const override { return source_->backlog_bytes(); }
  [[nodiscard]] std::optional<Windows> windows() const override { return source_->windows(); }
  // With records in them; of windows all that are done.
  [[nodiscard]] size_t parts() const {
    if (const auto windows = source_->windows()) return windows->pulled;
    const std::lock_guard lock(mutex_);
    return parts_.size();
  }
  // Some of it was read before; when the run has ended.
  [[nodiscard]] bool goes_on() const { return goes_on_; }

 private:
  std::unique_ptr<Source> source_;
  bool goes_on_ = false;
  mutable std::mutex mutex_;
  std::set<std::string> parts_;
};

// One pipeline while it runs. Made by the caller's thread, which also reads live(); run() is the pipeline's thread.
struct Job {
  explicit Job(PipelineDeclared from)
      : declared(std::move(from)), progress(declared.name, declared.source.kind->reads_a_table) {}
  PipelineDeclared declared;
  std::unique_ptr<PartCounter> source;
  std::unique_ptr<Decoder> decoder;
  Transforms transforms;
  std::unique_ptr<Sink> sink;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<LastDay> last_day;  // null when the pipeline keeps no visitors_per_day
  std::thread thread;
  Status outcome;
  bool done = false;  // under the runner's mutex
  bool told = false;
  std::optional<int64_t> next_run_micros;  // while it waits for it; under the runner's mutex
  Progress progress;
  uint64_t commits_told = 0;
  uint64_t rows_told = 0;
  uint64_t told_at_ms = 0;
};

std::string rejects_in_words(uint64_t rejects) {
  return fmt::format("{} {}", with_commas(rejects), rejects == 1 ? "reject" : "rejects");
}

// A value of a log that needs no quotes.
std::string iso_time(int64_t micros) {
  std::string text = format_time(micros);
  text[text.find(' ')] = 'T';
  return text + "Z";
}

std::string shell_word(const std::string& text) {
  const bool plain = !text.empty() && text.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-./+,:@%") == std::string::npos;
  if (plain) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string place_of(const SinkDeclared& sink) {
  const std::string place = sink.kind->place(sink.settings);
  return place.empty() ? std::string(sink.kind->name) : place;
}

class Runner {
 public:
  Runner(const RunOptions& options, const Surroundings& surroundings, Talk& talk)
      : options_(options), surroundings_(surroundings), talk_(talk), clock_(os::clock()) {}

  int run(std::vector<PipelineDeclared> pipelines) {
    const uint64_t started_ms = clock_.steady_ms();
    for (PipelineDeclared& pipeline : pipelines) {
      if (const Status made = make(std::move(pipeline)); !made.ok()) {
        talk_.message(NoteLevel::error, made.message());
        return 2;
      }
    }
    for (const auto& job : jobs_) start(*job);
    watch();
    for (const auto& job : jobs_) {
      if (job->thread.joinable()) job->thread.join();
    }
    talk_.wipe();
    talk_.more();
    print_results();
    return close(started_ms);
  }

 private:
  Status make(PipelineDeclared pipeline) {
    auto job = std::make_unique<Job>(std::move(pipeline));
    const PipelineDeclared& declared = job->declared;
    const std::string name = declared.name;
    const Note note = [this, name](NoteLevel level, const std::string& text) { talk_.note(level, "note", name, text); };
    Making making{os::file_system(), clock_, note, surroundings_.overrides.chunk_bytes.value_or(0),
                  surroundings_.overrides.vfs};
    making.full_every_ms = declared.full_every_ms;
    if (!declared.source.upstream.empty()) {
      making.more_may_come = [this, upstream = declared.source.upstream] { return is_running(upstream); };
    }
    job->source = std::make_unique<PartCounter>(declared.source.kind->make(declared.source.settings, making));
    LEAT_ASSIGN(job->decoder, make_decoder(declared, note));
    job->transforms = make_transforms(declared);
    job->sink = declared.sink.kind->make(declared.sink.settings, making);
    EngineOptions engine;
    engine.once = options_.once || declared.schedule;
    engine.commit_rows = surroundings_.overrides.commit_rows.value_or(declared.commit.rows);
    engine.commit_every_ms = declared.commit.every_ms;
    engine.commit_when_idle = declared.commit.when_idle;
    engine.queue_batches = surroundings_.overrides.queue_batches.value_or(engine.queue_batches);
    engine.restart_after_each_commit = surroundings_.overrides.restart_after_each_commit;
    const bool ends = options_.once || declared.schedule;
    const uint64_t tries = declared.source.kind->has("tries") ? declared.source.settings.integer("tries")
                           : options_.once                    ? kAttemptsOnce
                                                              : kAttemptsScheduled;
    engine.attempts = ends ? static_cast<uint32_t>(tries) : 0;
    const Note engine_note = [this, name](NoteLevel level, const std::string& text) {
      talk_.note(level, level == NoteLevel::info ? "recovered" : "retry", name, text);
    };
    Line line{job->source.get(), job->decoder.get(), job->sink.get(), declared.plan};
    for (const auto& transform : job->transforms) line.transforms.push_back(transform.get());
    job->engine = std::make_unique<Engine>(std::move(line), engine, clock_, engine_note);
    if (surroundings_.err_is_terminal && !talk_.quiet()) job->last_day = LastDay::of(declared);
    jobs_.push_back(std::move(job));
    return {};
  }

  // Any thread.
  bool is_running(const std::string& pipeline) {
    const std::lock_guard lock(mutex_);
    return std::any_of(jobs_.begin(), jobs_.end(),
                       [&](const auto& job) { return job->declared.name == pipeline && !job->done; });
  }

  void start(Job& job) {
    job.told_at_ms = clock_.steady_ms();
    job.progress.look(job.engine->live(), job.told_at_ms);
    job.thread = std::thread([this, &job] {
      Status outcome = job.declared.schedule ? run_scheduled(job) : run_engine(job);
      const std::lock_guard lock(mutex_);
      job.outcome = std::move(outcome);
      job.done = true;
      ended_.notify_all();
    });
  }

  // The pipeline's thread.
  Status run_engine(Job& job) {
    talk_.event(NoteLevel::info, "start",
                {{"pipeline", job.declared.name},
                 {"source", job.declared.source.name},
                 {"to", place_of(job.declared.sink)},
                 {"table", job.declared.plan.table}});
    return job.engine->run(surroundings_.stop);
  }

  // Likewise: one run, or one after the other until a stop. Those that fail have been said then.
  Status run_scheduled(Job& job) {
    const std::string& name = job.declared.name;
    const Note note = [&](NoteLevel level, const std::string& text) { talk_.note(level, "schedule", name, text); };
    ScheduledPipeline pipeline{name, *job.declared.schedule, job.sink.get(), [&] { return run_engine(job); }, nullptr};
    if (options_.once) return run_once_now(std::move(pipeline), clock_, note, surroundings_.stop);
    pipeline.run = [&] {
      set_next_run(job, std::nullopt);
      Status outcome = run_engine(job);
      const LiveStatus live = job.engine->live();
      talk_.event(NoteLevel::info, "run_end",
                  {{"pipeline", name},
                   {"rows", std::to_string(live.rows)},
                   {"rejects", std::to_string(live.rejects)},
                   {"ok", outcome.ok() ? "true" : "false"}});
      if (!outcome.ok()) {
        talk_.note(NoteLevel::error, "failure", name,
                   fmt::format("pipeline {}: this run has failed: {}", quoted(name), outcome.message()));
      }
      return outcome;
    };
    pipeline.waits = [&](int64_t next_micros) {
      set_next_run(job, next_micros);
      talk_.event(NoteLevel::info, "wait", {{"pipeline", name}, {"next_run", iso_time(next_micros)}});
    };
    run_on_schedule(std::move(pipeline), clock_, note, surroundings_.stop);
    return {};
  }

  void set_next_run(Job& job, std::optional<int64_t> micros) {
    const std::lock_guard lock(mutex_);
    job.next_run_micros = micros;
  }
  std::optional<int64_t> next_run(const Job& job) {
    const std::lock_guard lock(mutex_);
    return job.next_run_micros;
  }

  // Draws or logs until every pipeline has ended.
  void watch() {
    for (;;) {
      bool all_done = true;
      {
        std::unique_lock lock(mutex_);
        const auto is_over = [this] {
          return std::all_of(jobs_.begin(), jobs_.end(), [](const auto& job) { return job->done; });
        };
        all_done = ended_.wait_for(lock, std::chrono::milliseconds(kDrawEveryMs), is_over);
      }
      const uint64_t now_ms = clock_.steady_ms();
      for (const auto& job : jobs_) look(*job, now_ms);
      notify_service(all_done);
      if (all_done) return;
      draw(now_ms);
    }
  }

  // A service is ready when each pipeline has found its sink and its source, or waits for them or for its time.
  void notify_service(bool all_done) {
    const auto has_begun = [this](const auto& job) {
      return job->engine->live().phase != Phase::starting || next_run(*job);
    };
    const bool ready = !all_done && std::all_of(jobs_.begin(), jobs_.end(), has_begun);
    if (ready && !told_ready_) told_ready_ = os::notify_service(surroundings_.notify_socket, "READY=1");
    if (told_ready_ && !told_stopping_ && surroundings_.stop.stop_requested()) {
      told_stopping_ = os::notify_service(surroundings_.notify_socket, "STOPPING=1");
    }
  }

  void look(Job& job, uint64_t now_ms) {
    const LiveStatus live = job.engine->live();
    job.progress.look(live, now_ms);
    if (live.phase == Phase::waiting_for_data) talk_.more();
    const bool first = job.commits_told == 0;
    if (live.commits > job.commits_told && (first || now_ms >= job.told_at_ms + kLogEveryMs)) {
      const double seconds = static_cast<double>(now_ms - job.told_at_ms) / 1000;
      talk_.event(NoteLevel::info, "commit",
                  {{"pipeline", job.declared.name},
                   {"rows", std::to_string(live.rows)},
                   {"rejects", std::to_string(live.rejects)},
                   {"rows_per_second", fmt::format("{:.0f}", static_cast<double>(live.rows - job.rows_told) / seconds)},
                   {job.declared.source.kind->reads_a_table ? "behind_rows" : "behind_bytes",
                    std::to_string(live.backlog_bytes.value_or(0))}});
      job.commits_told = live.commits;
      job.rows_told = live.rows;
      job.told_at_ms = now_ms;
    }
    bool failed = false;
    {
      const std::lock_guard lock(mutex_);
      failed = job.done && !job.outcome.ok() && !job.told;
    }
    // The others go on: say it now, and again at the end.
    if (failed && jobs_.size() > 1) {
      job.told = true;
      talk_.note(NoteLevel::error, "failure", job.declared.name,
                 fmt::format("pipeline {} has stopped: {}", quoted(job.declared.name), job.outcome.message()));
    }
  }

  void draw(uint64_t now_ms) {
    if (talk_.manner() != Manner::terminal || talk_.quiet()) return;
    os::Screen::Size size = os::terminal_size(STDERR_FILENO);
    size.columns -= std::min<size_t>(size.columns, 3);  // where the terminal writes "^C" without beginning a new line
    const std::vector<std::string> counts = days_and_lists(size);
    std::vector<std::string> lines;
    for (const auto& job : jobs_) {
      if (lines.size() == kMostLines) {
        lines.push_back(fmt::format("… and {} more pipelines", jobs_.size() - kMostLines));
        break;
      }
      if (const std::optional<int64_t> next_micros = next_run(*job)) {
        lines.push_back(job->progress.line_until(*next_micros, clock_.now_micros()));
        continue;
      }
      lines.push_back(job->progress.line(job->last_day && counts.empty() ? job->last_day->words(now_ms) : ""));
    }
    lines.insert(lines.end(), counts.begin(), counts.end());
    talk_.draw(lines, size.columns);
  }

  // What `leat top` shows of the counts, while one pipeline follows its source and the terminal has room for it.
  std::vector<std::string> days_and_lists(const os::Screen::Size& size) {
    if (options_.once || jobs_.size() != 1 || size.rows < kRowsForCounts) return {};
    const PipelineDeclared& declared = jobs_[0]->declared;
    if (!top_) {
      std::vector<Database> databases;
      databases.push_back(database_of(declared));
      top_.emplace("", std::move(databases), clock_);
    }
    const std::string text = draw_days_and_lists(top_->look(), size.columns, kMostCountRows).text();
    std::vector<std::string> lines;
    if (!text.empty()) lines.emplace_back();
    for (const std::string_view line : split(text, '\n')) {
      if (!text.empty()) lines.emplace_back(line);
    }
    if (!lines.empty()) lines.pop_back();  // behind the last newline
    return lines;
  }

  void print_results() {
    JsonWriter json;
    json.begin_object().key("pipelines").begin_array();
    bool any = false;
    std::ostream& out = surroundings_.out;
    for (const auto& job : jobs_) {
      const Results* results = job->sink->results();
      if (results == nullptr) continue;
      if (options_.json) {
        const LiveStatus live = job->engine->live();
        json.begin_object().field("pipeline", std::string_view(job->declared.name));
        json.field("rows", live.rows).field("rejects", live.rejects).key("tables");
        results_to_json(json, *results);
        json.end_object();
      } else if (results->tables() > 0) {
        if (any) out << '\n';
        if (jobs_.size() > 1) out << visible(job->declared.name) << ":\n";
        out << results_text(*results);
        any = true;
      }
    }
    json.end_array().end_object();
    if (options_.json) out << json.text() << '\n';
    out << std::flush;
  }

  bool nothing_new() const {
    return std::all_of(jobs_.begin(), jobs_.end(),
                       [](const auto& job) { return job->source->parts() == 0 && job->source->goes_on(); });
  }

  int close(uint64_t started_ms) {
    uint64_t rows = 0;
    uint64_t updated = 0;
    uint64_t rejects = 0;
    uint64_t ignored = 0;
    uint64_t filtered = 0;
    std::map<std::string_view, size_t> parts;  // by what they are called
    bool failed = false;
    bool misconfigured = false;
    for (const auto& job : jobs_) {
      const LiveStatus live = job->engine->live();
      rows += live.rows;
      updated += live.updated;
      rejects += live.rejects;
      ignored += live.ignored;
      filtered += live.filtered;
      const SourceKind& kind = *job->declared.source.kind;
      if (!kind.reads_a_table) parts[kind.part] += job->source->parts();
      failed = failed || (!job->outcome.ok() && job->outcome.kind() != Kind::bad_config);
      misconfigured = misconfigured || job->outcome.kind() == Kind::bad_config;
      talk_.event(NoteLevel::info, "stop",
                  {{"pipeline", job->declared.name},
                   {"rows", std::to_string(live.rows)},
                   {"rejects", std::to_string(live.rejects)},
                   {"ok", job->outcome.ok() ? "true" : "false"}});
    }
    if (talk_.manner() != Manner::log) {
      const uint64_t inserted = rows - updated;
      std::string text = fmt::format("{} {}", with_commas(inserted), inserted == 1 ? "row" : "rows");
      if (updated > 0) text += fmt::format(" inserted, {} updated", with_commas(updated));
      text += ", " + rejects_in_words(rejects);
      if (rejects > 0 && !options_.database.empty()) {
        const bool secret = shown_url(options_.database) != options_.database;
        text += fmt::format(" (to see them: leat rejects list {})",
                            secret ? "with the address of --to" : shell_word(options_.database));
      }
      if (ignored > 0) text += fmt::format(", {} ignored", with_commas(ignored));
      if (filtered > 0) text += fmt::format(", {} filtered", with_commas(filtered));
      for (const auto& [what, count] : parts) {
        text += fmt::format(", {} {}{}", with_commas(count), what, count == 1 ? "" : "s");
      }
      if (!failed && !misconfigured) {
        text += fmt::format(", {:.1f} s", static_cast<double>(clock_.steady_ms() - started_ms) / 1000);
      }
      talk_.line(text);
    }
    for (const auto& job : jobs_) {
      if (job->outcome.ok()) continue;
      const std::string who = jobs_.size() > 1 ? fmt::format("pipeline {}: ", quoted(job->declared.name)) : "";
      talk_.message(NoteLevel::error, who + job->outcome.message());
    }
    if (failed || misconfigured) return failed ? 1 : 2;
    if (options_.once && surroundings_.stop.stop_requested()) {
      talk_.message(NoteLevel::error, options_.when_stopped);
      return 1;
    }
    if (!options_.when_nothing_new.empty() && nothing_new()) talk_.line(std::string(options_.when_nothing_new));
    return 0;
  }

  const RunOptions& options_;
  const Surroundings& surroundings_;
  Talk& talk_;
  os::Clock& clock_;
  std::vector<std::unique_ptr<Job>> jobs_;
  std::optional<TopReader> top_;
  bool told_ready_ = false;
  bool told_stopping_ = false;
  std::mutex mutex_;
  std::condition_variable ended_;
};

}  // namespace

int run_pipelines(std::vector<PipelineDeclared> pipelines, const RunOptions& options, const Surroundings& surroundings,
                  Talk& talk) {
  return Runner(options, surroundings, talk).run(std::move(pipelines));
}

}  // namespace leat::app
