package io.netpark.bench.command;

import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Shape.Echo;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Command;

/** What connections that do nothing cost those that do something. */
@Command(name = "idle-beside", description = "Echo on 1 000 connections, alone and beside 9 000 idle ones.")
final class BesideCommand extends TrafficCommand {

    private static final Set<Contender> NOT_WHEN_QUICK = EnumSet.of(Contender.NIO, Contender.VT, Contender.KTOR);

    @Override
    String title() {
        return "Echo beside idle connections";
    }

    @Override
    String introduction() {
        return "1 000 connections at work, alone and beside 9 000 that have been used once: a request should cost the same.";
    }

    @Override
    List<Echo> all() {
        return List.of(
                new Echo("1000x1KiB", 1_000, 0, 1024, 1),
                new Echo("1000x1KiB+9000idle", 1_000, 9_000, 1024, 1));
    }

    @Override
    List<Contender> contenders() {
        List<Contender> all = options.fewerContenders();
        return options.quick ? all.stream().filter(contender -> !NOT_WHEN_QUICK.contains(contender)).toList() : all;
    }
}
