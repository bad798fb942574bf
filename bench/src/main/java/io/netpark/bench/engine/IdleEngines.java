package io.netpark.bench.engine;

import io.netpark.bench.machine.Memory;
import io.netpark.bench.server.Heap;
import io.netpark.bench.tls.EngineKind;
import io.netpark.bench.tls.Protocol;
import io.netpark.bench.tls.SelfSigned;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/**
 * What a server's engine keeps while nothing is said, alone in its JVM: {@code IdleEngines CERTIFICATE KIND PROTOCOL COUNT}. One line, the bytes of an
 * engine on the heap and beside it:
 *
 * <pre>
 *   idle HEAP NATIVE
 * </pre>
 */
public final class IdleEngines {

    private static final int WARM_UP = 100;
    private static final int SIZE = 1024;

    private IdleEngines() {}

    /** Measures. */
    public static void main(String[] arguments) throws SSLException, InterruptedException {
        Supplier<SSLEngine> servers = EngineKind.valueOf(arguments[1]).servers(SelfSigned.read(Path.of(arguments[0])));
        Protocol protocol = Protocol.valueOf(arguments[2]);
        int count = Integer.parseInt(arguments[3]);
        List<SSLEngine> kept = new ArrayList<>(WARM_UP + count);
        keep(kept, servers, protocol, WARM_UP);
        long heap = Heap.used();
        long resident = Memory.resident(ProcessHandle.current().pid());
        keep(kept, servers, protocol, count);
        heap = Heap.used() - heap;
        resident = Memory.resident(ProcessHandle.current().pid()) - resident;
        Reference.reachabilityFence(kept);
        System.out.println("idle " + heap / count + " " + resident / count);
    }

    /** Each has had one echo. The client and its session are forgotten. */
    private static void keep(List<SSLEngine> kept, Supplier<SSLEngine> servers, Protocol protocol, int count) throws SSLException {
        SSLContext clients = EngineKind.clients();
        byte[] bytes = new byte[SIZE];
        for (int i = 0; i < count; i++) {
            Shaken pair = new Shaken(clients, servers, protocol);
            pair.echo(bytes);
            pair.client.getSession().invalidate();
            kept.add(pair.server);
        }
    }
}
