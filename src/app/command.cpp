#include "app/command.h"

#include <cerrno>

#include "app/commands.h"

namespace leat::app {
namespace {

struct Visitor {
  const Surroundings& surroundings;
  int operator()(const SayCommand& say) const {
    (say.status == 0 ? surroundings.out : surroundings.err) << say.text << std::flush;
    return say.status;
  }
  int operator()(const LogsCommand& command) const { return do_logs(command, surroundings); }
  int operator()(const LoadCommand& command) const { return do_load(command, surroundings); }
  int operator()(const RunCommand& command) const { return do_run(command, surroundings); }
  int operator()(const CheckCommand& command) const { return do_check(command, surroundings); }
  int operator()(const StatusCommand& command) const { return do_status(command, surroundings); }
  int operator()(const VerifyCommand& command) const { return do_verify(command, surroundings); }
  int operator()(const RebuildCommand& command) const { return do_rebuild(command, surroundings); }
  int operator()(const GenerateCommand& command) const { return do_generate(command, surroundings); }
  int operator()(const ListCommand& command) const { return do_list(command, surroundings); }
  int operator()(const TopCommand& command) const { return do_top(command, surroundings); }
  int operator()(const PeekCommand& command) const { return do_peek(command, surroundings); }
  int operator()(const PlanCommand& command) const { return do_plan(command, surroundings); }
  int operator()(const StateCommand& command) const { return do_state(command, surroundings); }
  int operator()(const RejectsCommand& command) const {
    return command.retry ? do_rejects_retry(command, surroundings) : do_rejects(command, surroundings);
  }
  int operator()(const ServeCommand& command) const { return do_serve(command, surroundings); }
};

}  // namespace

int run_command(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
  const int status = std::visit(Visitor{surroundings}, parse_command_line(arguments));
  if (surroundings.out) errno = 0;  // else it is why a write failed, and the command ended
  surroundings.out.flush();
  // A result that nobody got is a failure; a reader that went away early (`| head`) knows it itself.
  if (surroundings.out) return status;
  if (errno != EPIPE) surroundings.err << "error: the result could not be written to stdout\n";
  return status == 0 ? 1 : status;
}

}  // namespace leat::app
