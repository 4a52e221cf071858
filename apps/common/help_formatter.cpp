#include "common/help_formatter.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "common/common_flags.hpp"
#include "common/screen.hpp"

namespace toptheta::app {

namespace {

constexpr std::size_t kNarrowestHelp = 60;
constexpr std::size_t kWidest = 120;
constexpr std::size_t kDefaultWidth = 80;

std::string wrapped(const std::string& text, std::size_t width) {
  std::istringstream words(text);
  std::string out;
  std::size_t column = 0;
  for (std::string word; words >> word; column += word.size()) {
    if (column > 0 && column + 1 + word.size() > width) {
      out += '\n';
      column = 0;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += word;
  }
  return out;
}

// As many whole words as fit into one line.
std::string clipped(const std::string& text, std::size_t width) {
  constexpr std::string_view kMore = " ...";
  std::string line = text.substr(0, text.find('\n'));
  if (line.size() <= width && line.size() == text.size()) return line;
  const std::size_t room = width > kMore.size() ? width - kMore.size() : 0;
  if (line.size() <= room) return line + std::string(kMore);
  const std::size_t end = line.rfind(' ', room);
  return line.substr(0, end == std::string::npos ? room : end) + std::string(kMore);
}

}  // namespace

std::size_t help_width() {
  return std::clamp(screen_columns().value_or(kDefaultWidth), kNarrowestHelp, kWidest);
}

HelpFormatter::HelpFormatter(Form form, std::size_t width) : form_(form), width_(width) {
  column_width(std::min<std::size_t>(34, width * 2 / 5));
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  const std::size_t names = column_width_;
  const std::size_t room = width_ - names;
  const std::string description = make_option_desc(option);
  std::ostringstream out;
  CLI::detail::format_help(out, make_option_name(option, is_positional) + make_option_opts(option),
                           form_ == Form::brief ? clipped(description, room) : wrapped(description, room),
                           names);
  return out.str();
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (form_ == Form::full) return CLI::Formatter::make_option_opts(option);
  return option->get_required() ? " REQUIRED" : "";
}

std::string HelpFormatter::make_group(std::string group, bool is_positional,
                                      std::vector<const CLI::Option*> options) const {
  if (form_ == Form::brief && group == kCommonGroup) return {};
  return CLI::Formatter::make_group(std::move(group), is_positional, std::move(options));
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  // CLI11 puts two blank lines between groups.
  return CLI::detail::find_and_replace(CLI::Formatter::make_help(app, std::move(name), mode), "\n\n\n",
                                       "\n\n");
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  return "\n" + CLI::Formatter::make_usage(app, std::move(name));
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  if (form_ == Form::full) return CLI::Formatter::make_footer(app);
  const CLI::App* const program = app->get_parent() != nullptr ? app->get_parent() : app;
  const std::string name = app == program ? program->get_name() : program->get_name() + " " + app->get_name();
  return "\nSee " + name + " --help for details.\n";
}

}  // namespace toptheta::app
