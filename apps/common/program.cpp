#include "common/program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "common/common_flags.hpp"
#include "common/config.hpp"
#include "common/help_formatter.hpp"
#include "common/openmp.hpp"
#include "common/output.hpp"
#include "common/processors.hpp"
#include "common/signals.hpp"
#include "common/suggestion.hpp"
#include "core/error.hpp"
#include "core/parallel.hpp"

namespace toptheta::app {

namespace {

// The declared command line of a program with its subcommands.
struct CommandLine {
  explicit CommandLine(const Program& program);
  // The subcommand that was asked for, as an index into `commands`; nullopt before parsing.
  [[nodiscard]] std::optional<std::size_t> chosen() const;

  CLI::App app;
  std::shared_ptr<HelpFormatter> help =
      std::make_shared<HelpFormatter>(HelpFormatter::Form::full, help_width());
  CommonFlags flags;
  std::vector<CLI::App*> apps;
  std::vector<std::unique_ptr<Command>> commands;
};

bool is_switch(const CLI::Option& option) {
  return !option.get_positional() && option.get_items_expected_max() == 0;
}

// CLI11 takes --quiet=5 for --quiet given five times.
void refuse_values_of_switches(CLI::App& command) {
  for (CLI::Option* option : command.get_options([](const CLI::Option* one) { return is_switch(*one); }))
    option->disable_flag_override();
}

CommandLine::CommandLine(const Program& program) : app(program.summary, program.name) {
  const std::string version_text = fmt::format("{} {} (commit {})", program.name, version(), commit());
  app.formatter(help);
  declare_help(app);
  app.set_version_flag("--version", version_text, "Print version and commit");
  declare_config(app, flags);
  app.footer(program.example);
  app.require_subcommand(1);
  for (const CommandEntry& entry : program.commands) {
    CLI::App* sub = app.add_subcommand(entry.name, entry.summary);
    sub->footer("Example:\n" + entry.example);
    commands.push_back(entry.make());
    commands.back()->declare(*sub);
    declare_common(*sub, flags, version_text);
    refuse_values_of_switches(*sub);
    apps.push_back(sub);
  }
}

std::optional<std::size_t> CommandLine::chosen() const {
  for (std::size_t i = 0; i < apps.size(); ++i)
    if (apps[i]->parsed()) return i;
  return std::nullopt;
}

// "help fit" as "fit --help", "help" as "--help".
std::vector<std::string> without_help_word(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments.front() != "help") return arguments;
  arguments.erase(arguments.begin());
  arguments.resize(std::min<std::size_t>(arguments.size(), 1));
  arguments.emplace_back("--help");
  return arguments;
}

// Flags that every subcommand has may stand before it: "-q fit" as "fit -q".
std::vector<std::string> with_subcommand_first(std::vector<std::string> arguments, const Program& program) {
  if (arguments.empty() || !arguments.front().starts_with('-')) return arguments;
  const auto command =
      std::find_if(arguments.begin(), arguments.end(), [&program](const std::string& argument) {
        return std::any_of(program.commands.begin(), program.commands.end(),
                           [&argument](const CommandEntry& entry) { return entry.name == argument; });
      });
  if (command != arguments.end()) std::rotate(arguments.begin(), command, std::next(command));
  return arguments;
}

// "--layer-k=", as scripts write it with an empty variable: CLI11 would take the next flag for the value.
void refuse_empty_values(const std::vector<std::string>& arguments, const CommandLine& line) {
  const auto takes_value = [&line](const std::string& name) {
    return std::any_of(line.apps.begin(), line.apps.end(), [&name](const CLI::App* app) {
      const CLI::Option* const option = app->get_option_no_throw(name);
      return option != nullptr && !is_switch(*option);
    });
  };
  for (const std::string& argument : arguments) {
    if (argument == "--") return;
    const std::string name = argument.substr(0, argument.find('='));
    if (name.starts_with("--") && argument.size() == name.size() + 1 && takes_value(name))
      throw UsageError({.where = name,
                        .what = "has no value",
                        .expected = "a value after the =, or after a blank",
                        .found = fmt::format("'{}'", argument),
                        .next = "leave the flag out, or give it a value"});
  }
}

// CLI11 takes arguments last first.
void parse(CommandLine& line, std::vector<std::string> arguments) {
  refuse_empty_values(arguments, line);
  std::reverse(arguments.begin(), arguments.end());
  line.app.parse(std::move(arguments));
}

// Parses the command line and then, where it names a configuration file, once more with the file's settings
// added.
void parse_with_config(CommandLine& line, const std::vector<std::string>& arguments) {
  parse(line, arguments);
  if (line.flags.config.empty()) return;
  std::vector<std::string> all = arguments;
  for (std::string& argument :
       config_arguments(line.app, *line.apps[line.chosen().value()], line.flags.config))
    all.push_back(std::move(argument));
  parse(line, std::move(all));
}

// How this process ended, and what is to be said about it.
struct Report {
  ExitStatus status = ExitStatus::done;
  std::string message{};
  bool own = true;  // not another process's failure
};

// A wrong name among the arguments: of the subcommand where none was chosen, else of a flag of it; empty
// where that is not what is wrong.
struct WrongName {
  std::string typed{};
  std::string nearest{};
};

WrongName wrong_subcommand(const Program& program, const std::vector<std::string>& arguments) {
  std::vector<std::string> names = {"help"};
  for (const CommandEntry& entry : program.commands)
    names.push_back(entry.name);
  const auto is_word = [](const std::string& argument) { return !argument.starts_with('-'); };
  auto word = std::find_if(arguments.begin(), arguments.end(), is_word);
  if (word != arguments.end() && word != arguments.begin() && *std::prev(word) == "--config")
    word = std::find_if(std::next(word), arguments.end(), is_word);
  if (word == arguments.end() || std::find(names.begin(), names.end(), *word) != names.end()) return {};
  return {*word, nearest_name(*word, names)};
}

WrongName wrong_flag(const CLI::App& command, const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options({}))
    for (const std::string& name : option->get_lnames())
      names.push_back("--" + name);
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    const std::string name = argument.substr(0, argument.find('='));
    if (!name.starts_with("--") || std::find(names.begin(), names.end(), name) != names.end()) continue;
    return {name, nearest_name(name, names)};
  }
  return {};
}

// A switch that was given a value: "--quiet=5"; empty where that is not what is wrong.
std::string switch_with_value(const CLI::App& command, const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    if (argument == "--") break;
    if (!argument.starts_with("--") || equals == std::string::npos) continue;
    const CLI::Option* const option = command.get_option_no_throw(argument.substr(0, equals));
    if (option != nullptr && is_switch(*option)) return argument;
  }
  return "";
}

Report usage_report(const Program& program, const CommandLine& line,
                    const std::vector<std::string>& arguments, const std::string& what) {
  const std::optional<std::size_t> command = line.chosen();
  const std::string name = command ? program.name + " " + program.commands[*command].name : program.name;
  const WrongName wrong =
      command ? wrong_flag(*line.apps[*command], arguments) : wrong_subcommand(program, arguments);
  Problem problem{.what = what, .next = fmt::format("see {} --help", name)};
  if (!wrong.typed.empty())
    problem.what = fmt::format("{} has no {} '{}'", name, command ? "flag" : "subcommand", wrong.typed);
  const std::string given =
      command && wrong.typed.empty() ? switch_with_value(*line.apps[*command], arguments) : "";
  if (!given.empty()) {
    problem.where = given;
    problem.what = "a switch takes no value";
    problem.next = fmt::format("give {} alone, or leave it out", given.substr(0, given.find('=')));
  }
  if (!wrong.nearest.empty())
    problem.next = fmt::format("did you mean {}? {} -h lists them", wrong.nearest, name);
  return {ExitStatus::usage, format_problem(problem)};
}

// What this process was started for.
struct Start {
  const Program& program;
  std::vector<std::string> arguments;
  char** argv;
  Communicator& cluster;
};

// Where the result is to be one file, that it can be written.
void require_output(const CLI::App& command) {
  const CLI::Option* output = command.get_option_no_throw("--output");
  if (output != nullptr && output->get_type_name() == "FILE" && !output->empty())
    require_writable(output->as<std::string>());
}

void run_command(const Start& start, CommandLine& line) {
  const auto& [program, arguments, argv, cluster] = start;
  const std::size_t command = line.chosen().value();
  if (line.flags.print_config) {
    if (cluster.rank() == 0) write_stdout(config_text(*line.apps[command]));
    return;
  }
  if (cluster.size() > 1 && !line.commands[command]->is_parallel())
    throw UsageError({.where = program.commands[command].name,
                      .what = "runs in one process",
                      .found = fmt::format("{} processes", cluster.size()),
                      .next = "start it without mpirun or srun"});
  require_output(*line.apps[command]);
  set_thread_count(line.flags.threads);
  require_threads(thread_count());
  // One process speaks for all.
  Console console(program.name, progress_style(line.flags), line.flags.quiet || cluster.rank() != 0);
  // Once: a program that starts itself again to wait passively has not come here before.
  bool warned = false;
  const auto warn = [&] {
    if (!std::exchange(warned, true)) warn_about_threads(thread_count(), console);
  };
  Session session{
      console, cluster, line.flags.seed, thread_count(), make_provenance(arguments, line.flags.seed), [&] {
        wait_passively(start.argv);
        warn();
      }};
  line.commands[command]->run(session);
  warn();
}

Report parse_and_run(const Start& start) {
  CommandLine line(start.program);
  const auto print = [&](const std::string& text) {
    if (start.cluster.rank() == 0) write_stdout(text);
    return Report{};
  };
  const std::vector<std::string> arguments = with_subcommand_first(
      without_help_word({start.arguments.begin() + 1, start.arguments.end()}), start.program);
  try {
    parse_with_config(line, arguments);
  } catch (const CLI::CallForHelp&) {
    return print(line.app.help());
  } catch (const CLI::CallForAllHelp&) {
    line.help->set_form(HelpFormatter::Form::brief);
    return print(line.app.help());
  } catch (const CLI::CallForVersion& version_text) {
    return print(std::string(version_text.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    return usage_report(start.program, line, arguments, error.what());
  }
  run_command(start, line);
  return {};
}

Report guarded_run(const Start& start) {
  try {
    return parse_and_run(start);
  } catch (const PeerFailed& failure) {
    return {ExitStatus::unfinished, failure.what(), false};
  } catch (const Error& error) {
    return {error.status(), error.what()};
  } catch (const std::bad_alloc&) {
    return {ExitStatus::unfinished,
            "out of memory\n  next: use shorter texts or a smaller model, or a machine with more memory"};
  } catch (const std::exception& error) {
    return {ExitStatus::unfinished, error.what()};
  }
}

}  // namespace

int run_main(const Program& program, int argc, char** argv) {
  occupy_standard_streams();
  install_signal_handlers();
  grow_thread_stacks(argv);
  // Once MPI has begun it is too late; this leaves nothing to do for the session's.
  if (was_started_by_mpi()) wait_passively(argv);
  const std::unique_ptr<Communicator> cluster = make_communicator();
  const Report report = guarded_run({program, {argv, argv + argc}, argv, *cluster});
  const Ending ending = cluster->end(static_cast<int>(report.status), report.own);
  if (ending.status != 0 && ending.rank == cluster->rank())
    write_stderr(fmt::format("{}: error: {}\n", program.name, report.message));
  return ending.status;
}

}  // namespace toptheta::app
