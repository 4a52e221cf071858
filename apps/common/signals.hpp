// How the process meets the system: interruption, broken pipes, standard streams that are closed.
#pragma once

namespace toptheta::app {

// SIGINT, SIGTERM and SIGHUP remove the temporary files of outputs under way, say so on stderr, and end the
// process by that same signal, so that a shell's loop stops as its user wants it to; an interrupted run
// leaves the old output file or none. SIGPIPE is ignored: who writes notices.
void install_signal_handlers();

// Ends this process as the signal would have ended it, had it no handler. Async-signal-safe.
[[noreturn]] void end_by_signal(int signal);

// Opens /dev/null for standard streams that the caller closed: else the first file that is opened would take
// their number, and messages would be written into it.
void occupy_standard_streams();

}  // namespace toptheta::app
