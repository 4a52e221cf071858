// --help in the width of the terminal, and its short form -h.
#pragma once
#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace toptheta::app {

// The width of help texts in columns: that of the terminal or of COLUMNS, limited to 60 to 120, and 80 if
// there is neither, as for tables.
std::size_t help_width();

class HelpFormatter : public CLI::Formatter {
 public:
  enum class Form {
    full,   // --help: every flag with its whole description
    brief,  // -h: a line for each flag of the subcommand itself; the flags of all subcommands are left out
  };
  HelpFormatter(Form form, std::size_t width);
  void set_form(Form form) { form_ = form; }

  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override;
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_footer(const CLI::App* app) const override;

 private:
  Form form_;
  std::size_t width_;
};

}  // namespace toptheta::app
