// Handles interruptions, broken pipes, and closed standard streams.
#pragma once

namespace toptheta::app {

// Makes SIGINT, SIGTERM and SIGHUP remove the temporary files of unfinished outputs, say so on stderr, and
// end the process by that same signal, so that a shell's loop stops, too. An interrupted run leaves the old
// output file or none. SIGPIPE is ignored, because writers check for errors.
void install_signal_handlers();

// From now on an interruption says that --resume goes on from what is finished, and no longer that no output
// was written.
void say_resumable();

// Ends this process as the signal would end it without a handler. Async-signal-safe.
[[noreturn]] void end_by_signal(int signal);

// Opens /dev/null for standard streams that the caller has closed. Otherwise the first file that is opened
// would get their number, and messages would be written into it.
void occupy_standard_streams();

}  // namespace toptheta::app
