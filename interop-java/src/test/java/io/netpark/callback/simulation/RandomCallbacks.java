package io.netpark.callback.simulation;

import io.netpark.callback.CallbackClient;
import io.netpark.callback.CallbackConnection;
import io.netpark.callback.CallbackServer;
import io.netpark.callback.Callbacks;
import io.netpark.callback.Support;
import io.netpark.callback.Workers;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.files.OpenFile;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.UnixAddress;
import io.netpark.simulation.kernel.Network;
import io.netpark.simulation.kernel.SimulatedKernel;
import io.netpark.simulation.link.LinkConditions;
import io.netpark.simulation.schedule.Schedule;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A program of callbacks that is made of a seed: connections between a client and a server, some of them over TLS or by a path, and
 * a trouble, or two at a time.
 */
final class RandomCallbacks {

    /** What happens, beside that both sides say what they have to say. */
    enum Trouble {
        NONE,
        /** The client closes its connections, or resets them. */
        CLOSE,
        /** The network resets one. */
        RESET,
        /** They end when nothing has come, or gone, for some time. */
        TIMED,
        /** Client and server get more loops and fewer. */
        RESIZE,
        /** The server shuts down in phases, from some moment on. */
        SHUTDOWN,
        /** The server's loops end at some moment. */
        END_OF_SERVER
    }

    private static final int PORT = 7000;
    private static final String FILE = "/srv/all";
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final Schedule schedule;
    private final Network network;
    private final Executor threads;
    private final Random random;
    private final Set<Trouble> troubles;
    /** Whether connections may end before everything has been said. */
    private final boolean limited;
    /** The client is on the server's host. The network knows nothing of such a connection, and so cannot reset it. */
    private final boolean isLocal;
    private final @Nullable ProgramTls tls;
    private final Support.Reports reports = new Support.Reports();
    private final List<TalkingSide> sides = new ArrayList<>();
    private int connections;

    RandomCallbacks(long seed, Executor threads) {
        this.schedule = new Schedule(seed);
        this.network = new Network(schedule);
        this.threads = schedule.over(threads);
        this.random = new Random(seed);
        this.troubles = drawTroubles(random);
        this.limited = !EnumSet.of(Trouble.NONE, Trouble.RESIZE).containsAll(troubles);
        this.isLocal = random.nextInt(5) == 0 && !troubles.contains(Trouble.RESET);
        this.tls = !isLocal && random.nextInt(8) == 0 ? new ProgramTls() : null;
    }

    private static Set<Trouble> drawTroubles(Random random) {
        Trouble first = drawTrouble(random);
        Trouble second = drawTrouble(random);
        boolean isAlone = random.nextInt(3) > 0 || first == Trouble.NONE || second == Trouble.NONE;
        return isAlone ? EnumSet.of(first) : EnumSet.of(first, second);
    }

    private static Trouble drawTrouble(Random random) {
        return Trouble.values()[random.nextInt(Trouble.values().length)];
    }

    /** Returns how many system calls it has made. */
    long run() throws Exception {
        SimulatedKernel serving = network.host("server");
        SimulatedKernel client = network.host("client");
        SimulatedKernel dialing = isLocal ? serving : client;
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
        long once = troubles.stream().filter(each -> each != Trouble.NONE && each != Trouble.CLOSE).count();
        return once + (troubles.contains(Trouble.CLOSE) ? connections : 0);
    }

    private void run(SimulatedKernel serving, SimulatedKernel dialing) throws Exception {
        connections = 1 + random.nextInt(5);
        if (troubles.contains(Trouble.RESET)) {
            network.resetConnection(1 + random.nextInt(connections), 1 + random.nextInt(5000));
        }
        CallbackServer.Builder builder = CallbackServer.builder().loops(loops -> configure(loops, "server", serving));
        CallbackClient.Builder clients = CallbackClient.builder().loops(loops -> configure(loops, "client", dialing));
        if (random.nextBoolean()) {
            builder.workers(Workers.on(threads));
        }
        if (random.nextBoolean()) {
            clients.workers(Workers.on(threads));
        }
        if (troubles.contains(Trouble.TIMED)) {
            limitTimes(List.of(builder::readTimeout, builder::writeTimeout, builder::idleTimeout));
            limitTimes(List.of(clients::readTimeout, clients::writeTimeout, clients::idleTimeout));
        }
        if (tls != null) {
            builder.tls(tls.server);
            clients.tls(tls.client);
        }
        SocketAddress address = isLocal ? UnixAddress.path("/run/callbacks.sock") : new InetSocketAddress(network.address("server"), PORT);
        try (OpenFile served = open(serving);
                OpenFile sent = open(dialing);
                CallbackServer server = builder.callbacks(newSide(served)).listen(address);
                CallbackClient client = clients.open()) {
            List<CompletableFuture<CallbackConnection>> dialed = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                dialed.add(client.dial(address, newSide(sent)));
                if (random.nextBoolean()) {
                    schedule.sleep(micros(4000));
                }
            }
            for (Trouble trouble : troubles) {
                make(trouble, server, client, dialed);
            }
            for (CompletableFuture<CallbackConnection> each : dialed) {
                schedule.await(each::isDone);
                require(!each.isCompletedExceptionally() || limited, "a dial failed");
            }
            schedule.await(() -> client.connections() == 0 && server.connections() == 0);
            require(schedule.elapsed().compareTo(LIMIT) < 0, "it took " + schedule.elapsed());
        }
        synchronized (sides) {
            sides.forEach(TalkingSide::requireOver);
        }
    }

    private static OpenFile open(SimulatedKernel kernel) throws IOException {
        kernel.writeFile(FILE, TalkingSide.ALL, Instant.EPOCH);
        return OpenFile.open(Path.of(FILE), kernel);
    }

    private void limitTimes(List<Consumer<Duration>> kinds) {
        kinds.get(random.nextInt(kinds.size())).accept(micros(20_000).plusMillis(1));
    }

    private void make(Trouble trouble, CallbackServer server, CallbackClient client, List<CompletableFuture<CallbackConnection>> dialed)
            throws NetparkException {
        switch (trouble) {
            case RESIZE -> {
                for (int i = random.nextInt(4); i >= 0; i--) {
                    schedule.sleep(micros(10_000));
                    (random.nextBoolean() ? server.group() : client.group()).resize(1 + random.nextInt(4));
                }
            }
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

    /** @param file what it sends parts of */
    private Callbacks newSide(OpenFile file) {
        long seed = random.nextLong();
        return Callbacks.builder()
                .onConnect(connection -> side(connection, seed, file).connected())
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

    private TalkingSide side(CallbackConnection connection, long seed, OpenFile file) {
        TalkingSide side;
        synchronized (sides) {
            side = new TalkingSide(connection, new Random(seed + sides.size()), limited, file);
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
        loops.name(name).loops(1 + random.nextInt(3)).daemon(true).libc(kernel).clock(schedule).watchdog(Due.INFINITE)
                .reporter(this::report).reportLimit(Integer.MAX_VALUE);
    }

    /** A client that goes in the midst of a handshake is reported, as nobody else would hear of it. */
    private void report(String what, Throwable cause) {
        if (tls == null || !limited || !what.contains("A client was turned away")) {
            reports.report(what, cause);
        }
    }

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
