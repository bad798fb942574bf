package io.netpark.bench.tail;

import io.netpark.bench.run.Entrant;
import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.LoadProcess.Done;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.run.Shape;
import io.netpark.bench.server.Service;
import java.util.HashMap;
import java.util.Map;

/** An open loop in which every second round of a JVM has a collection in its middle. One object is there for one match. */
final class Collected implements Shape {

    /** A turn settles by its first run, and is measured by its second. */
    private static final int MEASURED = 2;

    private final Paced paced;
    private final Map<Entrant, Turns> servers = new HashMap<>();

    Collected(Paced paced) {
        this.paced = paced;
    }

    /** Whether that round has a collection. The first round has number 0. */
    static boolean hasCollection(int round) {
        return round % 2 == 1;
    }

    /** Knows whom to ask for collections. */
    ServerProcess with(ServerProcess server) {
        servers.merge(server.contender(), new Turns(server, -1), (before, now) -> new Turns(server, before.turn)); // its next life
        return server;
    }

    @Override
    public String label() {
        return paced.label() + " " + paced.rate() + "/s";
    }

    @Override
    public Service service() {
        return paced.service();
    }

    @Override
    public Shape warmUp() {
        return paced.warmUp();
    }

    @Override
    public void open(LoadProcess load, int port) {
        paced.open(load, port);
    }

    @Override
    public Done run(LoadProcess load, int port, long millis) {
        return paced.run(load, port, millis);
    }

    @Override
    public void close(LoadProcess load) {
        paced.close(load);
    }

    @Override
    public Shape toward(Entrant contender) {
        Shape turns = servers.get(contender);
        return turns != null ? turns : this;
    }

    /** The turns of one server. */
    private final class Turns implements Shape {

        private final ServerProcess server;
        private int turn;
        private int run;

        Turns(ServerProcess server, int turn) {
            this.server = server;
            this.turn = turn;
        }

        @Override
        public String label() {
            return Collected.this.label();
        }

        @Override
        public Service service() {
            return paced.service();
        }

        @Override
        public void open(LoadProcess load, int port) {
            turn++;
            run = 0;
            paced.open(load, port);
        }

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            if (++run == MEASURED && hasCollection(turn)) {
                server.collectIn(millis / 2);
            }
            return paced.run(load, port, millis);
        }

        @Override
        public void close(LoadProcess load) {
            paced.close(load);
        }
    }
}
