package io.netpark.bench.scale;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Entrant;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.server.BenchServer;
import io.netpark.bench.server.Service;
import io.netpark.core.sys.Binding;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A server with so many loops. */
record Loops(Contender server, int loops) implements Entrant {

    /** Each with one loop and with two; the floor is the first. */
    static List<Loops> all() {
        return Stream.of(Contender.FLOOR, Contender.NETTY, Contender.COROUTINE_FFM, Contender.CALLBACK_FFM, Contender.COROUTINE_JNA,
                        Contender.CALLBACK_JNA)
                .flatMap(server -> IntStream.of(1, 2).mapToObj(loops -> new Loops(server, loops))).toList();
    }

    /** Starts it where it may use all cores, as its generator. */
    ServerProcess start(Service service) {
        List<String> command = new ArrayList<>(server.command(service, List.of("-D" + BenchServer.LOOPS + "=" + loops)));
        if (!server.isJvm()) {
            command.add(Integer.toString(loops));
        }
        return ServerProcess.start(this, command, new Cores(-1, -1), label());
    }

    @Override
    public String label() {
        return server.label() + "-" + loops;
    }

    @Override
    public Optional<String> absence() {
        return server.absence();
    }

    @Override
    public boolean isJvm() {
        return server.isJvm();
    }

    @Override
    public @Nullable Binding binding() {
        return server.binding();
    }
}
