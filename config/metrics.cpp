// What the operating system knows of this process, read when Prometheus asks.
#include "config/metrics.hpp"

#include "config/log.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace keyrack {

namespace {

double resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double open_files() {
  std::error_code failed;
  double count = 0;
  for (std::filesystem::directory_iterator fd{"/proc/self/fd", failed}, end; !failed && fd != end;
       fd.increment(failed)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // less the one that reads the directory
}

void refresh(process_metrics& of) {
  of.resident_bytes.set(resident_bytes());
  of.cpu_seconds.set(cpu_seconds());
  of.open_files.set(open_files());
  of.log_dropped.set(static_cast<double>(log_lines_dropped()));
}

}  // namespace

metrics::metrics(std::string_view version) {
  process.build_info.of({std::string{version}, __VERSION__, KEYRACK_BUILD_TYPE}).set(1);
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  process.start_seconds.set(std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970));
  registry.before_reading([this] { refresh(process); });
}

std::string metrics_text(const metrics& of) { return of.registry.text(); }

}  // namespace keyrack
