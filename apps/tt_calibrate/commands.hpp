// The subcommands of tt-calibrate.
#pragma once
#include <memory>

#include "common/program.hpp"

namespace toptheta::app {

std::unique_ptr<Command> make_fit_command();
std::unique_ptr<Command> make_merge_command();
std::unique_ptr<Command> make_dump_command();
std::unique_ptr<Command> make_show_command();
std::unique_ptr<Command> make_convert_command();
std::unique_ptr<Command> make_retarget_command();
std::unique_ptr<Command> make_audit_command();
std::unique_ptr<Command> make_budget_command();
std::unique_ptr<Command> make_drift_command();
std::unique_ptr<Command> make_report_command();

}  // namespace toptheta::app
