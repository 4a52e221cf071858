// --help that fits a terminal of 100 columns: descriptions wrap beside their flags.
#pragma once
#include <CLI/CLI.hpp>
#include <string>

namespace toptheta::app {

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
};

}  // namespace toptheta::app
