package io.netpark.bench.proxy;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.server.Service;

/** The server behind the proxies: the C server, or where there is no compiler the JDK's Selector. */
public final class Upstream {

    private Upstream() {}

    /** Who it is. */
    public static Contender contender() {
        return Contender.FLOOR.absence().isEmpty() ? Contender.FLOOR : Contender.NIO;
    }

    /** Starts it on the generator's core: the other one is the proxy's alone. */
    public static ServerProcess start(Service service, Cores cores) {
        return ServerProcess.start(contender(), service, new Cores(cores.load(), cores.load()));
    }
}
