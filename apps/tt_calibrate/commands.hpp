// The subcommands of tt-calibrate, one file each.
#pragma once
#include "common/program.hpp"

namespace toptheta::app {

CommandEntry fit_command();
CommandEntry dump_command();
CommandEntry show_command();
CommandEntry convert_command();

}  // namespace toptheta::app
