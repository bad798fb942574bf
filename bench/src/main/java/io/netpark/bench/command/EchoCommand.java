package io.netpark.bench.command;

import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Shape.Echo;
import java.util.List;
import picocli.CommandLine.Command;

/** Requests of one size, one in flight a connection. */
@Command(name = "echo", description = "CPU a request, throughput and latency of an echo, in several shapes.")
final class EchoCommand extends TrafficCommand {

    @Override
    String title() {
        return "Echo";
    }

    @Override
    String introduction() {
        return "Each connection has one request in flight and sends the next when the answer has come.";
    }

    @Override
    List<Echo> all() {
        return List.of(
                new Echo("100x1KiB", 100, 0, 1024, 1),
                new Echo("1000x1KiB", 1_000, 0, 1024, 1),
                new Echo("10000x128B", 10_000, 0, 128, 1),
                new Echo("100x64KiB", 100, 0, 65_536, 1));
    }

    @Override
    List<Contender> contenders() {
        return options.contenders();
    }

    @Override
    boolean countsWhenQuick() {
        return true;
    }
}
