package io.netpark.callback.simulation;

import io.netpark.callback.CallbackClient;
import io.netpark.callback.CallbackConnection;
import io.netpark.callback.CallbackServer;
import io.netpark.callback.Callbacks;
import io.netpark.callback.Support;
import io.netpark.callback.Workers;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.simulation.kernel.Network;
import io.netpark.simulation.kernel.SimulatedKernel;
import io.netpark.simulation.link.LinkConditions;
import io.netpark.simulation.schedule.Schedule;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A program of callbacks that is made of a seed: connections between a client and a server, and one kind of trouble. */
final class RandomCallbacks {

    /** What happens, beside that both sides say what they have to say. */
    enum Trouble { NONE, CLOSE, RESET, SHUTDOWN, END_OF_SERVER }

    private static final int PORT = 7000;
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final Schedule schedule;
    private final Network network;
    private final Executor threads;
    private final Random random;
    private final Trouble trouble;
    private final Support.Reports reports = new Support.Reports();
    private final List<TalkingSide> sides = new ArrayList<>();
    private int connections;

    RandomCallbacks(long seed, Executor threads) {
        this.schedule = new Schedule(seed);
        this.network = new Network(schedule);
        this.threads = schedule.over(threads);
        this.random = new Random(seed);
        this.trouble = Trouble.values()[random.nextInt(Trouble.values().length)];
    }

    /** Returns how many system calls it has made. */
    long run() throws Exception {
        SimulatedKernel serving = network.host("server");
        SimulatedKernel dialing = network.host("client");
        network.between("server", "client", LinkConditions.IDEAL.withLatency(micros(5000)).withJitter(micros(5000)));
        schedule.run(() -> {
            run(serving, dialing);
            return null;
        });
        require(serving.descriptors().isEmpty(), "left open by the server: " + serving.descriptors());
        require(dialing.descriptors().isEmpty(), "left open by the client: " + dialing.descriptors());
        require(reports.causes.isEmpty(), "reported: " + reports.causes);
        require(schedule.trace().last(Integer.MAX_VALUE).stream().noneMatch(call -> call.contains(" = -" + Errno.EBADF + " at ")),
                "a descriptor that was not open");
        return schedule.trace().count();
    }

    /** How often it was decided whose turn it is. */
    long decisions() {
        return schedule.decisions();
    }

    /** How often something was made to go wrong. */
    long faults() {
        return trouble == Trouble.NONE ? 0 : trouble == Trouble.CLOSE ? connections : 1;
    }

    private void run(SimulatedKernel serving, SimulatedKernel dialing) throws Exception {
        connections = 1 + random.nextInt(5);
        if (trouble == Trouble.RESET) {
            network.resetConnection(1 + random.nextInt(connections), 1 + random.nextInt(5000));
        }
        CallbackServer.Builder builder = CallbackServer.builder().loops(loops -> configure(loops, "server", serving)).callbacks(newSide());
        if (random.nextBoolean()) {
            builder.workers(Workers.on(threads));
        }
        CallbackClient.Builder clients = CallbackClient.builder().loops(loops -> configure(loops, "client", dialing));
        if (random.nextBoolean()) {
            clients.workers(Workers.on(threads));
        }
        try (CallbackServer server = builder.listen(new InetSocketAddress(network.address("server"), PORT));
                CallbackClient client = clients.open()) {
            List<CompletableFuture<CallbackConnection>> dialed = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                dialed.add(client.dial(server.localAddress(), newSide()));
                if (random.nextBoolean()) {
                    schedule.sleep(micros(4000));
                }
            }
            make(server, dialed);
            for (CompletableFuture<CallbackConnection> each : dialed) {
                schedule.await(each::isDone);
                require(!each.isCompletedExceptionally() || trouble != Trouble.NONE, "a dial failed");
            }
            schedule.await(() -> client.connections() == 0 && server.connections() == 0);
            require(schedule.elapsed().compareTo(LIMIT) < 0, "it took " + schedule.elapsed());
        }
        synchronized (sides) {
            sides.forEach(TalkingSide::requireOver);
        }
    }

    /** The trouble. */
    private void make(CallbackServer server, List<CompletableFuture<CallbackConnection>> dialed) {
        switch (trouble) {
            case CLOSE -> {
                for (CompletableFuture<CallbackConnection> each : dialed) {
                    schedule.sleep(micros(5000));
                    each.thenAccept(random.nextBoolean() ? CallbackConnection::close : CallbackConnection::reset);
                }
            }
            case SHUTDOWN -> {
                schedule.sleep(micros(30_000));
                server.shutdown(Shutdown.within(micros(20_000)));
            }
            case END_OF_SERVER -> {
                schedule.sleep(micros(30_000));
                server.close();
            }
            default -> { }
        }
    }

    private Callbacks newSide() {
        long seed = random.nextLong();
        boolean limited = trouble != Trouble.NONE;
        return Callbacks.builder()
                .onConnect(connection -> side(connection, seed, limited).connected())
                .onRequest((connection, in) -> of(connection).heard(in))
                .onHalfClose(connection -> of(connection).halfClosed())
                .onDisconnect((connection, cause) -> ifAny(connection, TalkingSide::disconnected))
                .onClose((connection, cause) -> {
                    require(cause == null || limited, "it was not to break: " + cause);
                    ifAny(connection, TalkingSide::closed);
                })
                .onFailure((connection, cause) -> require(cause instanceof NetparkException && limited, "failed: " + cause))
                .build();
    }

    private TalkingSide side(CallbackConnection connection, long seed, boolean limited) {
        TalkingSide side;
        synchronized (sides) {
            side = new TalkingSide(connection, new Random(seed + sides.size()), limited);
            sides.add(side);
        }
        connection.attach(side);
        return side;
    }

    private static TalkingSide of(CallbackConnection connection) {
        TalkingSide side = connection.attachment(TalkingSide.class);
        require(side != null, "called before it was connected");
        return side;
    }

    /** One that breaks before it is connected has no side. */
    private static void ifAny(CallbackConnection connection, Consumer<TalkingSide> told) {
        TalkingSide side = connection.attachment(TalkingSide.class);
        if (side != null) {
            told.accept(side);
        }
    }

    private Duration micros(int most) {
        return Duration.ofNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(most)));
    }

    private void configure(EventLoopGroup.Builder loops, String name, SimulatedKernel kernel) {
        loops.name(name).loops(1 + random.nextInt(3)).daemon(true).libc(kernel).clock(schedule).watchdog(Due.INFINITE).reporter(reports)
                .reportLimit(Integer.MAX_VALUE);
    }

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
