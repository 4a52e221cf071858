#include "common/common_flags.hpp"

#include <unistd.h>

#include "common/choice_flag.hpp"

namespace toptheta::app {

namespace {

CLI::Validator bounded_below(bool zero_too) {
  return {[zero_too](std::string& text) {
            double value = 0;
            const bool number = CLI::detail::lexical_cast(text, value);
            if (number && (value > 0 || (zero_too && value == 0))) return std::string();
            return text + " is not a number " + (zero_too ? "of at least 0" : "above 0");
          },
          ""};
}

}  // namespace

CLI::Validator non_negative() {
  return bounded_below(true);
}

CLI::Validator positive() {
  return bounded_below(false);
}

void declare_help(CLI::App& app) {
  app.set_help_flag("--help", "Describe every flag in full")->group(kCommonGroup);
  app.set_help_all_flag("-h", "List the flags briefly, one line each")->group(kCommonGroup);
}

void declare_config(CLI::App& app, CommonFlags& flags) {
  app.add_option("--config", flags.config,
                 "TOML file that sets any of these flags by long name; the command line takes precedence "
                 "(see configs/)")
      ->type_name("FILE.toml")
      ->configurable(false)
      ->group(kCommonGroup);
}

void declare_common(CLI::App& app, CommonFlags& flags, const std::string& version_text) {
  declare_help(app);
  app.set_version_flag("--version", version_text, "Print version and commit")->group(kCommonGroup);
  declare_config(app, flags);
  app.add_flag("--print-config", flags.print_config,
               "Print every flag with its current value, as TOML, and stop")
      ->configurable(false)
      ->group(kCommonGroup);
  if (app.get_option_no_throw("--threads") == nullptr)  // bench has a list of its own
    app.add_option(
           "--threads", flags.threads,
           "Threads; 0 = as OMP_NUM_THREADS says, else all processors. Results do not depend on the number")
        ->type_name("N")
        ->check(CLI::Range(0, 4096).description(""))
        ->capture_default_str()
        ->group(kCommonGroup);
  app.add_option("--seed", flags.seed, "Seed for everything that is drawn at random")
      ->type_name("N")
      ->capture_default_str()
      ->group(kCommonGroup);
  add_choice(app, "--progress", flags.progress,
             "Progress on stderr: auto = a line, on a terminal only; json = one object per line; none")
      ->group(kCommonGroup);
  app.add_flag("-q,--quiet", flags.quiet, "Print errors only: no progress, notes or warnings")
      ->group(kCommonGroup);
}

CLI::Option* declare_output(CLI::App& app, std::string& output, const std::string& description) {
  return app.add_option("-o,--output", output, description)->type_name("FILE")->group(kOutputGroup);
}

ProgressStyle progress_style(const CommonFlags& flags) {
  if (flags.progress == ProgressFlag::json) return ProgressStyle::json;
  return flags.progress == ProgressFlag::automatic && ::isatty(STDERR_FILENO) != 0 ? ProgressStyle::line
                                                                                   : ProgressStyle::none;
}

}  // namespace toptheta::app
