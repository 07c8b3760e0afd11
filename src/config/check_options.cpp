// Takes the options of one component out of what was written, and complains of what does not fit them.

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/expression.h"
#include "config/options.h"

namespace leat {

class OptionChecker {
 public:
  OptionChecker(const CheckRequest& request, Complaints& complaints) : request_(request), complaints_(complaints) {}

  Settings check() {
    settings_.options_ = request_.options;
    settings_.at_ = request_.at;
    for (const Entry& entry : request_.table.entries) {
      if (request_.typed && entry.key == "type") continue;
      if (const Option* option = find(entry.key); option != nullptr) {
        take(*option, entry.value);
      } else {
        complaints_.add(entry.key_at, fmt::format("unknown option {} of {}{}", quoted(entry.key), request_.what,
                                                  suggestion(entry.key, names())));
      }
    }
    for (const Option& option : request_.options) {
      if (option.required && request_.table.find(option.name) == nullptr) {
        complaints_.add(request_.at, fmt::format("{} needs '{}': {}", request_.what, option.name, option.help));
      }
    }
    return std::move(settings_);
  }

 private:
  const Option* find(std::string_view name) const {
    for (const Option& option : request_.options) {
      if (option.name == name) return &option;
    }
    return nullptr;
  }

  std::vector<std::string_view> names() const {
    std::vector<std::string_view> all;
    if (request_.typed) all.emplace_back("type");
    for (const Option& option : request_.options) all.push_back(option.name);
    return all;
  }

  void wrong(const Option& option, const Value& value, std::string_view expected) {
    const std::string found = value.is_text() ? shown(value) : std::string(type_in_words(value.type));
    complaints_.add(value.at,
                    fmt::format("'{}' of {} must be {}, not {}", option.name, request_.what, expected, found));
  }

  void keep(const Option& option, Value value) {
    settings_.values_.emplace_back(std::string(option.name), std::move(value));
  }

  void take(const Option& option, const Value& value) {
    switch (option.type) {
      case OptionType::text:
        return take_text(option, value, "text in quotes");
      case OptionType::scalar:
        return take_text(option, as_text(value), "text in quotes or a whole number");
      case OptionType::expression:
        return take_expression(option, value);
      case OptionType::integer:
        if (value.type != Value::Type::integer || value.integer < 1) return wrong_number(option, value);
        return keep(option, value);
      case OptionType::boolean:
        if (value.type != Value::Type::boolean) return wrong(option, value, "true or false");
        return keep(option, value);
      case OptionType::size:
        if (!value.is_text() || parse_bytes(value.text).value_or(0) == 0) {
          return wrong(option, value, "a size such as \"64MiB\"");
        }
        return keep(option, value);
      case OptionType::duration:
        if (!value.is_text() || parse_duration_ms(value.text).value_or(0) == 0) {
          return wrong(option, value, "a duration such as \"250ms\", \"1s\" or \"5m\"");
        }
        return keep(option, value);
      case OptionType::path:
        return take_path(option, value);
      case OptionType::paths:
        return take_list(option, value, "path", &OptionChecker::make_absolute);
      case OptionType::names:
        return take_list(option, value, "name", &OptionChecker::check_name);
      case OptionType::choice:
        return take_choice(option, value);
      case OptionType::expressions:
        return take_expressions(option, value);
      case OptionType::section:
        return take_section(option, value);
      case OptionType::sections:
        return take_sections(option, value);
      case OptionType::tables:
        if (!value.is_table()) return wrong(option, value, "a table of tables");
        return keep(option, value);
      case OptionType::format:
        if (!value.is_text() && !value.is_table()) return wrong(option, value, "a name or a table with a type");
        return keep(option, value);
      case OptionType::columns:
        return take_columns(option, value);
      case OptionType::texts:
        return take_texts(option, value, "text in quotes");
      case OptionType::scalars:
        return take_scalars(option, value);
      case OptionType::transforms:
        return take_tables(option, value);
    }
  }

  void wrong_number(const Option& option, const Value& value) {
    if (value.type != Value::Type::integer) return wrong(option, value, "an integer");
    complaints_.add(value.at,
                    fmt::format("'{}' of {} must be at least 1, not {}", option.name, request_.what, value.integer));
  }

  void take_text(const Option& option, const Value& value, std::string_view expected) {
    if (!value.is_text()) return wrong(option, value, expected);
    if (value.text.empty() && !option.may_be_empty) {
      return complaints_.add(value.at, fmt::format("'{}' of {} is empty", option.name, request_.what));
    }
    keep(option, value);
  }

  void take_path(const Option& option, const Value& value) {
    if (!value.is_text()) return wrong(option, value, "a path in quotes");
    if (Value absolute = value; make_absolute(option, absolute)) keep(option, std::move(absolute));
  }

  // A list of texts, or one; `what` each is, and how it is checked.
  void take_list(const Option& option, const Value& value, std::string_view what,
                 bool (OptionChecker::*is_good)(const Option&, Value&)) {
    Value list = value;
    if (value.is_text()) {
      list = Value();
      list.type = Value::Type::array;
      list.at = value.at;
      list.items = {value};
    }
    if (list.type != Value::Type::array) {
      return wrong(option, value, fmt::format("a {} in quotes or a list of them", what));
    }
    if (list.items.empty() && !option.may_be_empty) {
      return complaints_.add(value.at, fmt::format("'{}' of {} is empty", option.name, request_.what));
    }
    bool good = true;
    for (Value& item : list.items) {
      if (!item.is_text()) {
        wrong(option, item, fmt::format("a list of {}s in quotes", what));
        good = false;
      } else {
        good = (this->*is_good)(option, item) && good;
      }
    }
    if (good) keep(option, std::move(list));
  }

  bool check_name(const Option& option, Value& value) {
    if (!value.text.empty()) return true;
    complaints_.add(value.at, fmt::format("'{}' of {}: a name is empty", option.name, request_.what));
    return false;
  }

  bool make_absolute(const Option& option, Value& value) {
    if (value.text.empty()) {
      complaints_.add(value.at, fmt::format("'{}' of {} is empty", option.name, request_.what));
      return false;
    }
    if (value.text.find('\0') != std::string::npos) {
      complaints_.add(value.at,
                      fmt::format("'{}' of {} holds a NUL character, which no path can", option.name, request_.what));
      return false;
    }
    value.text = absolute_path(request_.directory, value.text);
    return true;
  }

  void take_choice(const Option& option, const Value& value) {
    if (!value.is_text()) return wrong(option, value, "text in quotes");
    const std::vector<std::string_view> choices = option.choices();
    if (std::find(choices.begin(), choices.end(), value.text) == choices.end()) {
      return complaints_.add(value.at, fmt::format("unknown value {} for '{}' of {}{}", shown(value), option.name,
                                                   request_.what, suggestion_for(value, choices)));
    }
    keep(option, value);
  }

  bool check_expression(std::string_view name, const Value& value) {
    size_t at = 0;
    const Result<Expression> parsed = parse_expression(value.text, &at);
    if (parsed.ok()) return true;
    if (!value.written.empty()) {  // what is wrong with a secret would tell some of it
      complaints_.add(value.at,
                      fmt::format("'{}' of {}: {} is not an expression", visible(name), request_.what, shown(value)));
      return false;
    }
    complaints_.add(place_within(value, at, 1),
                    fmt::format("'{}' of {}: {}", visible(name), request_.what, parsed.status().message()));
    return false;
  }

  void take_expression(const Option& option, const Value& value) {
    if (!value.is_text()) return wrong(option, value, "an expression in quotes");
    if (check_expression(option.name, value)) keep(option, value);
  }

  void take_expressions(const Option& option, const Value& value) {
    if (!value.is_table()) return wrong(option, value, "a table { NAME = \"expression\" }");
    if (value.entries.empty()) {
      return complaints_.add(value.at, fmt::format("'{}' of {} is empty", option.name, request_.what));
    }
    bool good = true;
    for (const Entry& entry : value.entries) {
      if (!entry.value.is_text()) {
        complaints_.add(entry.value.at,
                        fmt::format("'{}' of {} must be an expression in quotes, not {}", visible(entry.key),
                                    request_.what, type_in_words(entry.value.type)));
        good = false;
      } else {
        good = check_expression(entry.key, entry.value) && good;
      }
    }
    if (good) keep(option, value);
  }

  static Value as_text(Value value) {
    if (value.type != Value::Type::integer) return value;
    value.text = std::to_string(value.integer);
    value.type = Value::Type::text;
    return value;
  }

  void take_scalars(const Option& option, Value value) {
    for (Entry& entry : value.entries) entry.value = as_text(std::move(entry.value));
    take_texts(option, value, "text in quotes or a whole number");
  }

  void take_texts(const Option& option, const Value& value, std::string_view expected) {
    if (!value.is_table()) return wrong(option, value, "a table { NAME = \"text\" }");
    if (value.entries.empty()) {
      return complaints_.add(value.at, fmt::format("'{}' of {} is empty", option.name, request_.what));
    }
    bool good = true;
    for (const Entry& entry : value.entries) {
      if (entry.value.is_text() && !entry.value.text.empty()) continue;
      complaints_.add(entry.value.at,
                      fmt::format("'{}' of {} must be {}, not {}", visible(entry.key), request_.what, expected,
                                  entry.value.is_text() ? "empty" : type_in_words(entry.value.type)));
      good = false;
    }
    if (good) keep(option, value);
  }

  void take_tables(const Option& option, const Value& value) {
    constexpr std::string_view kExpected = "a list of tables [ { type = … }, … ]";
    if (value.type != Value::Type::array) return wrong(option, value, kExpected);
    for (const Value& item : value.items) {
      if (!item.is_table()) return wrong(option, item, kExpected);
    }
    keep(option, value);
  }

  void take_section(const Option& option, const Value& value) {
    if (!value.is_table()) return wrong(option, value, "a table { … }");
    const CheckRequest inner{value, value.at, option.inner, fmt::format("'{}' of {}", option.name, request_.what),
                             request_.directory};
    settings_.sections_.emplace_back(std::string(option.name), check_options(inner, complaints_));
    keep(option, value);
  }

  void take_sections(const Option& option, const Value& value) {
    constexpr std::string_view kExpected = "a list of tables [ { … }, … ]";
    if (value.type != Value::Type::array) return wrong(option, value, kExpected);
    size_t number = 0;
    for (const Value& item : value.items) {
      ++number;
      if (!item.is_table()) {
        wrong(option, item, kExpected);
        continue;
      }
      const CheckRequest inner{item, item.at, option.inner,
                               fmt::format("'{}' {} of {}", option.name, number, request_.what), request_.directory};
      settings_.sections_.emplace_back(std::string(option.name), check_options(inner, complaints_));
    }
    keep(option, value);
  }

  void take_columns(const Option& option, const Value& value) {
    const bool paths =
        std::any_of(option.inner.begin(), option.inner.end(), [](const Option& inner) { return inner.name == "path"; });
    std::vector<Entry> columns;
    if (value.is_table()) {
      columns = value.entries;
    } else if (value.type == Value::Type::array && !paths) {
      for (const Value& item : value.items) {
        if (item.is_text()) {
          columns.push_back(listed_column(item));
        } else {
          wrong(option, item, "a list of names in quotes: \"NAME\" or \"NAME:TYPE\"");
        }
      }
    } else {
      return wrong(option, value,
                   paths ? "a table { NAME = \"path\", … }" : "a list [\"NAME:TYPE\", …] or a table { NAME = { … } }");
    }
    if (value.entries.empty() && value.items.empty()) {
      return complaints_.add(value.at, fmt::format("'{}' of {} is empty", option.name, request_.what));
    }
    Settings all;
    for (const Entry& column : columns) {
      const std::string what = fmt::format("column {} of {}", quoted(column.key), request_.what);
      if (column.key.empty()) {
        complaints_.add(column.key_at, fmt::format("'{}' of {} has a name that is empty", option.name, request_.what));
        continue;
      }
      // Databases do not tell upper from lower case in the names of columns.
      if (std::any_of(all.sections_.begin(), all.sections_.end(),
                      [&](const auto& other) { return equal_ignoring_case(other.first, column.key); })) {
        complaints_.add(column.key_at, fmt::format("{} is there twice", what));
        continue;
      }
      Value table = column.value;
      if (table.is_text() && paths) {
        table = Value::make_table();
        table.set("path", column.value);
      }
      if (!table.is_table()) {
        complaints_.add(table.at, fmt::format("{} must be {}, not {}", what,
                                              paths ? "a path in quotes or a table { path = … }" : "a table { … }",
                                              type_in_words(table.type)));
        continue;
      }
      const CheckRequest inner{table, column.key_at, option.inner, what, request_.directory};
      all.sections_.emplace_back(column.key, check_options(inner, complaints_));
    }
    settings_.sections_.emplace_back(std::string(option.name), std::move(all));
    keep(option, value);
  }

  // "NAME" or "NAME:TYPE" as it would stand in a table.
  static Entry listed_column(const Value& item) {
    Entry column{item.text, item.at, Value::make_table()};
    const size_t colon = item.text.rfind(':');
    if (colon == std::string::npos) return column;
    column.key.resize(colon);
    Value type = item;
    type.text.erase(0, colon + 1);
    type.written.clear();
    // A text without escapes, on one line, stands in the file as it is, after its quote.
    if (item.at.length == item.text.size() + 2) {
      type.at.column += static_cast<uint32_t>(colon) + 2;
      type.at.length = static_cast<uint32_t>(std::max<size_t>(1, type.text.size()));
    }
    column.value.set("type", type);
    return column;
  }

  const CheckRequest& request_;
  Complaints& complaints_;
  Settings settings_;
};

Settings check_options(const CheckRequest& request, Complaints& complaints) {
  return OptionChecker(request, complaints).check();
}

}  // namespace leat
