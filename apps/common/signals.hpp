// Interruption: an interrupted run leaves the old output file or none.
#pragma once

namespace toptheta::app {

// SIGINT, SIGTERM and SIGHUP remove the temporary files of outputs under way, say so on stderr and end the
// process with status 4. SIGPIPE is ignored, so that writing to a closed pipe is an error like a full disk.
void install_signal_handlers();

}  // namespace toptheta::app
