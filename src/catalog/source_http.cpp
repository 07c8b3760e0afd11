#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "base/time.h"
#include "catalog/source_kinds.h"
#include "sources/http.h"
#include "sources/http_url.h"

namespace leat {
namespace {

std::vector<std::string_view> methods() {
  return {"GET", "POST"};
}

std::vector<std::string_view> paging_types() {
  return {"none", "next_url", "link_header", "cursor", "page", "offset"};
}

std::vector<std::string_view> short_pages() {
  return {"last", "ends", "goes_on"};
}

std::vector<std::string_view> ledgers() {
  return {"time", "id"};
}

constexpr std::array<Option, 11> kPagingOptions{{
    {.name = "type",
     .type = OptionType::choice,
     .standard = "none",
     .choices = paging_types,
     .help =
         "how the next page is asked for: by a URL in the body or a header, by the header Link (rel=\"next\"), by a "
         "cursor, by its number, by the number of records before it"},
    {.name = "path",
     .help = "next_url, cursor: where it stands in the body: \"/A/B/URL\" of XML, \"/meta/next\" of JSON"},
    {.name = "header", .help = "next_url, cursor: the header of the answer it stands in"},
    {.name = "param", .help = "cursor, page, offset: the parameter that is asked with"},
    {.name = "size_param", .help = "the parameter that asks for `size` records"},
    {.name = "size", .type = OptionType::integer, .help = "records a page"},
    {.name = "smallest",
     .type = OptionType::integer,
     .help = "a page that fails twice in a row is asked for with half as many records, down to so many; not with page"},
    {.name = "first", .type = OptionType::scalar, .standard = "1", .help = "page: the number of the first one"},
    {.name = "total", .help = "where the body says how many records there are; another number is an error"},
    {.name = "total_pages", .help = "page: where the body says how many pages there are"},
    {.name = "short_page",
     .type = OptionType::choice,
     .standard = "last",
     .choices = short_pages,
     .help = "page, offset: what a page of fewer than `size` records means. last: none may follow it; ends: none is "
             "asked for; goes_on: nothing"},
}};

constexpr std::array<Option, 10> kIncrementalOptions{{
    {.name = "after", .required = true, .help = "the parameter for the lower bound"},
    {.name = "by",
     .type = OptionType::choice,
     .standard = "time",
     .choices = ledgers,
     .help =
         "time: windows of time, or of numbers with time_format = \"integer\"; id: from the largest id that was seen"},
    {.name = "before", .help = "the parameter for the upper bound; without it there is one window at a time"},
    {.name = "start",
     .type = OptionType::scalar,
     .required = true,
     .help = "where the first window begins: \"2016-01-01\", or a number"},
    {.name = "until", .type = OptionType::scalar, .help = "nothing is asked for behind it"},
    {.name = "window",
     .type = OptionType::scalar,
     .help = "how long one window is: \"30d\", or a number; without it as long as there is"},
    {.name = "lookback",
     .type = OptionType::scalar,
     .help = "each request asks from so much before its window: for records that arrive late"},
    {.name = "settle",
     .type = OptionType::scalar,
     .standard = "5m",
     .help = "windows end so much before the server's clock; \"0s\": right there"},
    {.name = "time_format",
     .standard = "iso",
     .help =
         "how a bound is written: \"iso\", \"unix\", \"unix_ms\", \"integer\" for windows of whole numbers, or like "
         "strftime: \"%Y-%m-%d %H:%M:%S\""},
    {.name = "path", .help = "by = \"id\": where the id stands in a record, from the document: \"/items/*/id\""},
}};

std::vector<std::string_view> give_ups() {
  return {"stop", "skip"};
}

constexpr std::array<Option, 22> kHttpOptions{{
    {.name = "url",
     .required = true,
     .help =
         "http:// or https://, without user and password. {PIPELINE.COLUMN}, here or in params: asks for each row of "
         "that pipeline's table, once"},
    {.name = "parent",
     .type = OptionType::texts,
     .help = "with such a place: columns that each record gets from that row, { host_id = \"id\" }"},
    {.name = "method", .type = OptionType::choice, .standard = "GET", .choices = methods, .help = "of the requests"},
    {.name = "params",
     .type = OptionType::scalars,
     .help = "parameters of the URL; of a form, with method = \"POST\" and no 'body'"},
    {.name = "headers", .type = OptionType::scalars, .help = "of each request"},
    {.name = "body", .help = "of each request, as it is"},
    {.name = "auth",
     .type = OptionType::section,
     .inner = kHttpAuthOptions,
     .help = "credentials, for the origin of url only"},
    {.name = "pagination",
     .type = OptionType::section,
     .inner = kPagingOptions,
     .help = "how one page leads to the next"},
    {.name = "incremental",
     .type = OptionType::section,
     .inner = kIncrementalOptions,
     .help = "pulls windows, each once; without it each run pulls everything"},
    {.name = "limits",
     .type = OptionType::section,
     .inner = kHttpLimitOptions,
     .help = "how much is asked of the server"},
    {.name = "errors",
     .type = OptionType::sections,
     .inner = kErrorRuleOptions,
     .help = "answers that are not what their status says, the first rule that fits: [ { status = 409, body = "
             "\"<CODE>1965</CODE>\", then = \"wait\" } ]"},
    {.name = "timeout",
     .type = OptionType::duration,
     .standard = "5m",
     .help = "between two pieces of an answer, and before the first one"},
    {.name = "connect_timeout", .type = OptionType::duration, .standard = "30s", .help = "until there is a connection"},
    {.name = "tries", .type = OptionType::integer, .standard = "7", .help = "how often in a row a page may fail"},
    {.name = "give_up",
     .type = OptionType::choice,
     .standard = "stop",
     .choices = give_ups,
     .help = "what becomes of a page that has failed so often. stop: the run ends; skip: it becomes one reject and the "
             "run goes on behind it, unless the server does not answer at all or three pages in a row fail"},
    {.name = "allow_hosts",
     .type = OptionType::names,
     .help = "other hosts that next pages and redirects may lead to, as HOST or HOST:PORT; they get no credentials"},
    {.name = "ca_file", .type = OptionType::path, .help = "trusted certificates in PEM, in place of the system's"},
    {.name = "unframed",
     .type = OptionType::boolean,
     .standard = "false",
     .help = "an answer may end with its connection, though a cut cannot be told then"},
    {.name = "format",
     .type = OptionType::format,
     .required = true,
     .help = "{ type = \"xml\", … }, a table of `leat list decoders`"},
    {.name = "compression",
     .type = OptionType::choice,
     .standard = "auto",
     .choices = compressions,
     .help = "of bodies without Content-Encoding. auto: gzip and zstd are told by their first bytes"},
    {.name = "max_record",
     .type = OptionType::size,
     .standard = "16MiB",
     .help = "a longer record is a reject, of which the first 64 KiB are kept"},
    {.name = "max_body", .type = OptionType::size, .help = "more plain bytes of one answer are an error"},
}};

template <class T>
T one_of(std::vector<std::string_view> (*names)(), std::string_view name) {
  const auto all = names();
  return static_cast<T>(std::find(all.begin(), all.end(), name) - all.begin());
}

bool is_integer(const Settings& incremental) {
  return incremental.text("by") == "id" || incremental.text("time_format") == "integer";
}

// A bound or, with `length`, a stretch: microseconds, or a whole number.
std::optional<int64_t> bound(const Settings& incremental, std::string_view name, bool length) {
  const std::string text = incremental.text(name);
  if (text.empty()) return std::nullopt;
  if (is_integer(incremental)) return parse_integer(text);
  if (!length) return parse_iso_time(text);
  const auto ms = parse_duration_ms(text);
  return ms ? std::optional(static_cast<int64_t>(*ms) * 1000) : std::nullopt;
}

WindowRules window_rules(const Settings& settings) {
  WindowRules rules;
  if (!settings.has("incremental")) return rules;
  const Settings incremental = settings.section("incremental");
  rules.by = incremental.text("by") == "id" ? WindowRules::By::id
             : is_integer(incremental)      ? WindowRules::By::number
                                            : WindowRules::By::time;
  rules.has_before = incremental.has("before");
  rules.start = bound(incremental, "start", false).value_or(0);
  rules.until = bound(incremental, "until", false);
  rules.length = bound(incremental, "window", true).value_or(0);
  rules.lookback = bound(incremental, "lookback", true).value_or(0);
  rules.settle = static_cast<int64_t>(incremental.milliseconds("settle")) * 1000;
  rules.format = incremental.text("time_format");
  if (rules.format == "iso") rules.format.clear();
  return rules;
}

PagingRules paging_rules(const Settings& paging) {
  PagingRules rules;
  rules.type = one_of<PagingRules::Type>(paging_types, paging.text("type"));
  rules.path = paging.text("path");
  rules.header = paging.text("header");
  rules.param = paging.text("param");
  rules.size_param = paging.text("size_param");
  rules.size = paging.integer("size");
  rules.smallest = paging.integer("smallest");
  rules.first = static_cast<uint64_t>(parse_integer(paging.text("first")).value_or(1));
  rules.total = paging.text("total");
  rules.total_pages = paging.text("total_pages");
  rules.short_page = one_of<PagingRules::ShortPage>(short_pages, paging.text("short_page"));
  return rules;
}

// Values that came from ${env:…} or ${file:…} are secret.
os::HttpHeaders named_values(const Settings& settings, std::string_view name, std::vector<std::string>& secrets) {
  os::HttpHeaders out;
  const Value* table = settings.find(name);
  if (table == nullptr) return out;
  for (const Entry& entry : table->entries) {
    out.emplace_back(entry.key, entry.value.text);
    if (!entry.value.written.empty()) secrets.push_back(entry.value.text);
  }
  return out;
}

// In the order of UpstreamOptions::columns: those in places, then those of `parent`.
std::vector<ParentColumn> http_parents(const Settings& settings) {
  std::vector<ParentColumn> out;
  const auto add = [&](const Value& value) {
    for (const ParentPlace& place : parent_places(value.text)) {
      out.push_back({std::string(place.pipeline), std::string(place.column), "", value.at});
    }
  };
  if (const Value* url = settings.find("url"); url != nullptr) add(*url);
  if (const Value* params = settings.find("params"); params != nullptr) {
    for (const Entry& entry : params->entries) add(entry.value);
  }
  if (const Value* parent = settings.find("parent"); parent != nullptr && !out.empty()) {
    const std::string pipeline = out.front().pipeline;
    for (const Entry& entry : parent->entries) out.push_back({pipeline, entry.value.text, entry.key, entry.value.at});
  }
  return out;
}

std::shared_ptr<HttpParents> make_parents(const Settings& settings, const Making& making) {
  ParentRules rules;
  rules.upstream = {settings.text("parents.path"), settings.text("parents.table"), {}};
  for (const ParentColumn& each : http_parents(settings)) {
    rules.upstream.columns.push_back(each.column);
    if (!each.as.empty()) ++rules.added;
  }
  rules.more_may_come = making.more_may_come;
  if (rules.upstream.columns.empty()) return nullptr;
  return std::make_shared<HttpParents>(std::move(rules), making.files, making.clock);
}

std::unique_ptr<Source> make_http(const Settings& settings, const Making& making) {
  HttpOptions options;
  options.url = settings.text("url");
  options.method = settings.text("method");
  HttpAuthRules auth = http_auth_rules(settings.section("auth"));
  options.secrets = HttpAuth(auth, origin_of(options.url), making.clock).secrets();
  options.params = named_values(settings, "params", options.secrets);
  options.headers = named_values(settings, "headers", options.secrets);
  options.body = settings.text("body");
  options.paging = paging_rules(settings.section("pagination"));
  options.windows = window_rules(settings);
  options.windows.full_every = static_cast<int64_t>(making.full_every_ms) * 1000;
  const Settings incremental = settings.section("incremental");
  options.after_param = incremental.text("after");
  options.before_param = incremental.text("before");
  options.id_path = incremental.text("path");
  options.limits = http_limit_rules(settings.section("limits"));
  options.errors = error_rules(settings.sections("errors"));
  options.allow_hosts = settings.texts("allow_hosts");
  options.stream = stream_rules(settings, making);
  options.unframed = settings.boolean("unframed");
  options.concurrency = settings.section("limits").integer("concurrency");
  options.tries = settings.integer("tries");
  options.parents = make_parents(settings, making);
  options.skip_failing = settings.text("give_up") == "skip";
  auto client = os::make_http_client({.connect_timeout_ms = settings.milliseconds("connect_timeout"),
                                      .idle_timeout_ms = settings.milliseconds("timeout"),
                                      .ca_file = settings.text("ca_file"),
                                      .secrets = options.secrets});
  return make_http_source(std::move(options), std::move(auth), std::move(client), making.clock, making.note);
}

void check_paging(const Settings& paging, Complaints& complaints) {
  const std::string type = paging.text("type");
  const auto needs = [&](std::string_view option) {
    if (paging.has(option)) return;
    complaints.add(paging.place("type"), fmt::format("'pagination' of type {} needs '{}'", quoted(type), option));
  };
  if (type == "cursor" || type == "page" || type == "offset") needs("param");
  if ((type == "next_url" || type == "cursor") && paging.has("path") == paging.has("header")) {
    complaints.add(paging.place("path"),
                   fmt::format("'pagination' of type {} needs either 'path' or 'header': where the next one stands",
                               quoted(type)));
  }
  if (paging.has("size_param")) needs("size");
  if (paging.has("smallest")) needs("size_param");
  if (paging.has("smallest") && type == "page") {
    complaints.add(paging.place("smallest"),
                   "'smallest' does not go with pages by number, which another size would move");
  }
  if (paging.has("first") && parse_integer(paging.text("first")).value_or(-1) < 0) {
    complaints.add(paging.place("first"), "'first' of 'pagination' must be a number of 0 or more");
  }
}

void check_incremental(const Settings& settings, const Settings& incremental, Complaints& complaints) {
  const bool integer = is_integer(incremental);
  const auto check_bound = [&](std::string_view name, bool length, std::string_view expected) {
    const Value* value = incremental.find(name);
    if (value == nullptr || bound(incremental, name, length)) return;
    complaints.add(value->at, fmt::format("'{}' of 'incremental' must be {}, not {}", name,
                                          integer ? "a whole number" : expected, shown(*value)));
  };
  check_bound("start", false, "a time such as \"2016-01-01\" or \"2016-01-01T12:00:00Z\"");
  check_bound("until", false, "a time such as \"2026-01-01\"");
  check_bound("window", true, "a duration such as \"30d\"");
  check_bound("lookback", true, "a duration such as \"15m\"");
  if (const Value* settle = incremental.find("settle"); settle != nullptr && !parse_duration_ms(settle->text)) {
    complaints.add(settle->at,
                   fmt::format("'settle' of 'incremental' must be a duration such as \"5m\", not {}", shown(*settle)));
  }
  if (const Value* format = incremental.find("time_format"); format != nullptr) {
    if (const std::string trouble = trouble_with_format(format->text); !trouble.empty()) {
      complaints.add(format->at, fmt::format("'time_format' {}: {}", shown(*format), trouble));
    }
  }
  if (incremental.has("window") && !incremental.has("before")) {
    complaints.add(incremental.place("window"), "'window' needs 'before', the parameter for the upper bound");
  }
  if (settings.section("limits").integer("concurrency") > 1 && !incremental.has("before")) {
    complaints.add(settings.section("limits").place("concurrency"),
                   "'concurrency' above 1 needs windows: 'before' and 'window' of 'incremental'");
  }
  const bool by_id = incremental.text("by") == "id";
  if (by_id != incremental.has("path")) {
    complaints.add(incremental.place("path"), by_id ? "by = \"id\" needs 'path': where the id stands in a record"
                                                    : "'path' of 'incremental' belongs to by = \"id\"");
  }
  if (integer && !by_id && !incremental.has("until")) {
    complaints.add(incremental.place("time_format"), "windows of numbers need 'until', where the last one ends");
  }
}

void check_http(const Settings& settings, Complaints& complaints) {
  if (const Value* url = settings.find("url"); url != nullptr && origin_of(url->text).empty()) {
    complaints.add(url->at, fmt::format("'url' must begin with http:// or https:// and a host, without user and "
                                        "password (which belong into 'auth'), not {}",
                                        shown(*url)));
  }
  const bool has_parents = !http_parents(settings).empty();
  if (const Value* url = settings.find("url"); url != nullptr && !parent_places(origin_of(url->text)).empty()) {
    complaints.add(url->at,
                   fmt::format("'url' {}: a row can say what stands behind the host, not the host", shown(*url)));
  }
  if (settings.has("parent") && !has_parents) {
    complaints.add(settings.place("parent"),
                   "'parent' needs a place for a row's value in 'url' or 'params': \"…/{PIPELINE.COLUMN}/detail\"");
  }
  if (settings.has("incremental") && has_parents) {
    complaints.add(
        settings.place("incremental"),
        "'incremental' does not go with {PIPELINE.COLUMN} in 'url' or 'params': each row of that pipeline is "
        "asked for once, when it is new");
  }
  check_http_auth(settings.section("auth"), complaints);
  check_http_limits(settings.section("limits"), complaints);
  check_error_rules(settings.sections("errors"), complaints);
  check_paging(settings.section("pagination"), complaints);
  if (settings.has("incremental")) {
    check_incremental(settings, settings.section("incremental"), complaints);
  } else if (settings.section("limits").integer("concurrency") > 1 && !has_parents) {
    complaints.add(settings.section("limits").place("concurrency"),
                   "'concurrency' above 1 needs windows: 'before' and 'window' of 'incremental'");
  }
}

// Records that come twice are told by their key.
void check_http_plan(const Settings& settings, const SinkPlan& plan, const Place& at, Complaints& complaints) {
  bool skips = settings.text("give_up") == "skip";
  for (const Settings& rule : settings.sections("errors")) skips = skips || rule.text("then") == "skip";
  if (plan.reconcile && skips) {
    complaints.add(at,
                   fmt::format("pipeline {} has 'reconcile', which would take the rows of a page that source 'http' "
                               "skips for vanished; leave out give_up = \"skip\" and then = \"skip\"",
                               quoted(plan.pipeline)));
  }
  if (plan.reconcile && !http_parents(settings).empty()) {
    complaints.add(at, fmt::format("pipeline {} has 'reconcile', but source 'http' asks for each row of another "
                                   "pipeline only once; leave it out",
                                   quoted(plan.pipeline)));
  }
  if (!settings.has("incremental")) return;
  const Settings incremental = settings.section("incremental");
  const bool by_time = !is_integer(incremental);
  const bool is_cut = incremental.has("before");
  const bool overlap = incremental.has("lookback") || (!is_cut && (by_time || skips));
  const bool keyed = plan.mode == WriteMode::merge || plan.mode == WriteMode::ignore;
  if (overlap && !keyed) {
    complaints.add(at,
                   fmt::format("windows of source 'http' overlap {}, so records come again: pipeline {} needs write "
                               "= \"merge\" or \"ignore\" and 'key'",
                               incremental.has("lookback") ? "by 'lookback'"
                               : by_time                   ? "without 'before'"
                                                           : "behind a page that is skipped",
                               quoted(plan.pipeline)));
  }
  const bool parallel = settings.section("limits").integer("concurrency") > 1;
  if (parallel && plan.mode == WriteMode::merge && plan.newest.empty()) {
    complaints.add(at, fmt::format("windows of source 'http' are pulled at the same time, so the later record may come "
                                   "first: pipeline {} needs 'newest', the column that tells which one is later",
                                   quoted(plan.pipeline)));
  }
}

}  // namespace

SourceKind http_kind() {
  return {.name = "http",
          .help = "an HTTP API: its windows, page by page, each taken up again where it was left off",
          .options = kHttpOptions,
          .make = make_http,
          .check = check_http,
          .check_plan = check_http_plan,
          .part = "window",
          .pulls_in_full = true,
          .parents = http_parents};
}

}  // namespace leat
