#include "common/signals.hpp"

#include <csignal>
#include <string_view>

#include <unistd.h>

#include "core/error.hpp"
#include "io/atomic_file.hpp"

namespace toptheta::app {

namespace {

// Only async-signal-safe calls.
extern "C" void handle_interruption(int /*signal*/) {
  remove_temporary_files();
  constexpr std::string_view kMessage = "\ninterrupted: no output was written\n";
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
  ::_exit(static_cast<int>(ExitStatus::unfinished));
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action = {};
  action.sa_handler = handle_interruption;
  sigfillset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction inherited = {};
    sigaction(signal, nullptr, &inherited);
    if (inherited.sa_handler == SIG_IGN) continue;  // started by nohup, or in the background of a script
    sigaction(signal, &action, nullptr);
  }
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

}  // namespace toptheta::app
