package io.netpark.blocking;

import io.netpark.core.net.dialing.Dial;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** A dial that a thread waits for. */
final class BlockingDial implements Dial.Outcome {

    private final CompletableFuture<ConnectionDescriptor> connected = new CompletableFuture<>();

    private BlockingDial() {}

    static BlockingConnection connect(Dialer dialer, SocketAddress remote) throws IOException {
        ThreadWaiter.requireNoLoop("a connection to " + remote);
        BlockingDial outcome = new BlockingDial();
        Dial dial = dialer.dial(remote, outcome);
        ConnectionDescriptor core = outcome.await(dial, dialer.group().clock(), remote);
        try {
            return new BlockingConnection(core);
        } catch (Throwable e) { // no memory
            core.close();
            throw e;
        }
    }

    private ConnectionDescriptor await(Dial dial, Clock clock, SocketAddress remote) throws IOException {
        try {
            clock.awaits(Due.FOREVER, connected::isDone);
            return connected.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            dial.cancel();
            if (!connected.cancel(false) && !connected.isCompletedExceptionally()) {
                connected.join().close();
            }
            throw new InterruptedIOException("interrupted while it connected to " + remote);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof NetparkException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public void connected(ConnectionDescriptor connection) {
        if (!connected.complete(connection)) {
            connection.close(); // the thread was interrupted
        }
    }

    @Override
    public void failed(NetparkException cause) {
        connected.completeExceptionally(cause);
    }
}
