// The subcommands of tt-eval.
#pragma once
#include <memory>

#include "common/program.hpp"

namespace toptheta::app {

std::unique_ptr<Command> make_run_command();
std::unique_ptr<Command> make_sweep_command();
std::unique_ptr<Command> make_compare_command();
std::unique_ptr<Command> make_choose_command();
std::unique_ptr<Command> make_tune_command();
std::unique_ptr<Command> make_sensitivity_command();
std::unique_ptr<Command> make_generate_command();
std::unique_ptr<Command> make_tokenize_command();
std::unique_ptr<Command> make_bench_command();
std::unique_ptr<Command> make_tasks_command();
std::unique_ptr<Command> make_logits_command();
std::unique_ptr<Command> make_info_command();
std::unique_ptr<Command> make_report_command();

}  // namespace toptheta::app
