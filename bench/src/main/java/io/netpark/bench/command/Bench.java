package io.netpark.bench.command;

import io.netpark.bench.jmh.JmhCommand;
import io.netpark.bench.looking.LookingCommand;
import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.own.OwnCommand;
import io.netpark.bench.scale.ScaleCommand;
import io.netpark.bench.start.StartCommand;
import io.netpark.bench.tail.TailCommand;
import io.netpark.bench.yardstick.YardstickCommand;
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
            TlsCommand.class, IdleCommand.class, WakeCommand.class, MultiplexersCommand.class, PoolCommand.class,
            RedisCommand.class, KtorCommand.class, ZeroCopyCommand.class, AllCommand.class, OwnCommand.class, StartCommand.class,
            ScaleCommand.class, TailCommand.class, LookingCommand.class, YardstickCommand.class, JmhCommand.class
        },
        synopsisSubcommandLabel = "NAME")
public final class Bench {

    Bench() {}

    /** Runs benchmarks by their command lines; one that fails says why in a line. */
    public static CommandLine commands() {
        return new CommandLine(new Bench())
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    if (failure instanceof BenchFailure) {
                        System.err.println("bench/run: " + failure.getMessage());
                    } else {
                        failure.printStackTrace();
                    }
                    return 1;
                });
    }

    /** What can be run. */
    public static Set<String> names() {
        return new CommandLine(new Bench()).getSubcommands().keySet();
    }

    /** Runs a benchmark. */
    public static void main(String[] arguments) {
        System.exit(commands().execute(arguments));
    }
}
