#include "sources/http_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/redaction.h"
#include "base/text.h"
#include "sources/http_url.h"

namespace leat {
namespace {

constexpr std::string_view kHidden = "***";

bool is_secret(const HttpOptions& options, const std::string& name, const std::string& value) {
  return is_secret_name(name) || redacted(value, options.secrets) != value;
}

bool has_header(const os::HttpHeaders& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& each) { return equal_ignoring_case(each.first, name); });
}

void set(os::HttpHeaders& params, const std::string& name, std::string value) {
  const auto at = std::find_if(params.begin(), params.end(), [&](const auto& each) { return each.first == name; });
  if (at != params.end()) {
    at->second = std::move(value);
  } else {
    params.emplace_back(name, std::move(value));
  }
}

// All that is asked for beside the URL.
os::HttpHeaders params_of(const HttpOptions& options, const HttpToken& token) {
  os::HttpHeaders params = options.params;
  const WindowRules& windows = options.windows;
  const std::string format = windows.by == WindowRules::By::time ? windows.format : "integer";
  const auto& after = token.from ? token.from : token.after;
  const auto& before = token.upto ? token.upto : token.before;
  if (after && !options.after_param.empty()) {
    set(params, options.after_param, bound_text(format, *after - windows.lookback));
  }
  // What has changed during a full pull lies behind the end of its last window.
  const bool open = token.last && !token.upto && windows.by == WindowRules::By::time && !windows.until;
  if (before && windows.has_before && !open) set(params, options.before_param, bound_text(format, *before));
  const PagingRules& paging = options.paging;
  if (!paging.size_param.empty()) {
    set(params, paging.size_param, std::to_string(token.size > 0 ? token.size : paging.size));
  }
  if (paging.type == PagingRules::Type::cursor && token.ask.by == PageAsk::By::cursor) {
    set(params, paging.param, token.ask.text);
  }
  const bool first = token.ask.by == PageAsk::By::first;
  if (paging.type == PagingRules::Type::page) {
    set(params, paging.param, std::to_string(first ? paging.first : token.ask.number));
  }
  if (paging.type == PagingRules::Type::offset) set(params, paging.param, std::to_string(token.ask.number));
  return params;
}

// Next URLs are kept without what is secret in them.
std::string with_secrets(const HttpOptions& options, std::string url) {
  for (const auto& [name, value] : options.params) {
    const auto there = parameter_of(url, name);
    if (there && there->find(kHidden) != std::string::npos) url = with_parameter(url, name, value);
  }
  return url;
}

bool is_allowed(const HttpOptions& options, const std::string& origin) {
  if (is_own_origin(options, origin)) return true;
  return std::any_of(options.allow_hosts.begin(), options.allow_hosts.end(), [&](const std::string& host) {
    return origin == origin_of("https://" + host) || origin == origin_of("http://" + host);
  });
}

}  // namespace

bool is_own_origin(const HttpOptions& options, std::string_view url) {
  return origin_of(url) == origin_of(options.url);
}

Result<os::HttpRequest> page_request(const HttpOptions& options, const HttpToken& token, const ParentRow* parent) {
  os::HttpRequest request{
      .method = options.method, .url = options.url, .headers = options.headers, .body = options.body};
  if (!has_header(request.headers, "User-Agent")) request.headers.emplace_back("User-Agent", "leat");
  if (!has_header(request.headers, "Accept-Encoding")) {
    request.headers.emplace_back("Accept-Encoding", "gzip, deflate, br, zstd");
  }
  if (token.ask.by == PageAsk::By::url) {
    if (request.body.empty()) request.method = "GET";  // what a form would say is in it
    request.url = with_secrets(options, token.ask.text);
    return request;
  }
  os::HttpHeaders params = params_of(options, token);
  if (parent != nullptr) {
    LEAT_ASSIGN(request.url, filled(request.url, *parent, true));
    for (auto& [name, value] : params) {
      LEAT_ASSIGN(value, filled(value, *parent, false));
    }
  }
  const bool form = request.method != "GET" && request.body.empty();
  for (const auto& [name, value] : params) {
    if (!form) {
      request.url = with_parameter(request.url, name, value);
      continue;
    }
    if (!request.body.empty()) request.body += '&';
    request.body += percent_encoded(name) + "=" + percent_encoded(value);
  }
  if (form && !has_header(request.headers, "Content-Type")) {
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  }
  return request;
}

Status send_to(const HttpOptions& options, const std::string& url, os::HttpRequest& request) {
  const std::string origin = origin_of(url);
  if (origin.starts_with("http:") && origin_of(options.url).starts_with("https:")) {
    return Status::fatal(fmt::format("{} is not asked: it would go on without https", shown_url(url, options.secrets)));
  }
  if (!is_allowed(options, origin)) {
    return Status::fatal(fmt::format("{} is not asked: it is on another host; allow_hosts = [\"{}\"] would allow it",
                                     shown_url(url, options.secrets),
                                     visible(origin.substr(std::min(origin.find("//") + 2, origin.size())))));
  }
  request.url = url;
  if (is_own_origin(options, url)) return {};
  std::erase_if(request.headers, [&](const auto& header) { return is_secret(options, header.first, header.second); });
  if (redacted(request.body, options.secrets) != request.body) {
    return Status::fatal(fmt::format("{} is not asked: it is on another host, and the body has a secret in it",
                                     shown_url(url, options.secrets)));
  }
  return {};
}

}  // namespace leat
