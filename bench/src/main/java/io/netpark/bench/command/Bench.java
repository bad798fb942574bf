package io.netpark.bench.command;

import io.netpark.bench.machine.BenchFailure;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The harness. See bench/README.md. */
@Command(
        name = "bench/run",
        description = "Measures Netpark beside the libraries one would pick instead.",
        mixinStandardHelpOptions = true,
        subcommands = {
            EchoCommand.class, BesideCommand.class, PipelineCommand.class, FramesCommand.class, HttpCommand.class,
            ChurnCommand.class, DialCommand.class, StreamCommand.class, FileCommand.class, ProxyCommand.class,
            IdleCommand.class, WakeCommand.class, MultiplexersCommand.class, PoolCommand.class,
            RedisCommand.class, ZeroCopyCommand.class, AllCommand.class, JmhCommand.class
        },
        synopsisSubcommandLabel = "NAME")
public final class Bench {

    Bench() {}

    /** What can be run. */
    public static Set<String> names() {
        return new CommandLine(new Bench()).getSubcommands().keySet();
    }

    /** Runs a benchmark. */
    public static void main(String[] arguments) {
        CommandLine commands = new CommandLine(new Bench())
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    if (failure instanceof BenchFailure) {
                        System.err.println("bench/run: " + failure.getMessage());
                    } else {
                        failure.printStackTrace();
                    }
                    return 1;
                });
        System.exit(commands.execute(arguments));
    }
}
