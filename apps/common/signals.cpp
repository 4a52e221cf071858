#include "common/signals.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

#include "io/atomic_file.hpp"

namespace toptheta::app {

namespace {

std::atomic<const char*> farewell = "\ninterrupted: no output was written\n";

// Only async-signal-safe calls.
extern "C" void handle_interruption(int signal) {
  remove_temporary_files();
  const std::string_view message = farewell.load();
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, message.data(), message.size());
  end_by_signal(signal);
}

}  // namespace

void say_resumable() {
  farewell = "\ninterrupted: what is finished is kept; run again with --resume to go on\n";
}

void end_by_signal(int signal) {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
  sigset_t only_this;
  sigemptyset(&only_this);
  sigaddset(&only_this, signal);
  ::raise(signal);
  // In a handler the signal is blocked, and comes now.
  pthread_sigmask(SIG_UNBLOCK, &only_this, nullptr);
  ::_exit(128 + signal);  // not reached unless the signal is ignored by force
}

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
  // A broken pipe is noticed where a write fails: on standard error it must not end the work.
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

void occupy_standard_streams() {
  // Opened in ascending order, each takes the lowest number that is free.
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream)
    if (::fcntl(stream, F_GETFD) == -1)
      (void)::open("/dev/null", stream == STDIN_FILENO ? O_RDONLY : O_WRONLY);
}

}  // namespace toptheta::app
