package io.netpark.core.testing.tls;

import java.nio.ByteBuffer;
import java.util.Arrays;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;

/**
 * Two engines that speak with each other in memory: no sockets, no threads, and whole records only. Where one of them fails,
 * its exception is thrown.
 */
public final class EnginePair {

    /** Netty's engine wants room for the whole of a record, with what is lost in deciphering it. */
    private static final int LARGEST_RECORD = 18 * 1024;

    private final Side client;
    private final Side server;

    public EnginePair(SSLEngine client, SSLEngine server) {
        this.client = new Side(client);
        this.server = new Side(server);
    }

    /** One engine, and what it has to read. */
    private static final class Side {
        final SSLEngine engine;
        final ByteBuffer arrived = ByteBuffer.allocate(256 * 1024);

        Side(SSLEngine engine) {
            this.engine = engine;
        }
    }

    /** Until both say that it is over. Session tickets are read as well. */
    public void handshake() throws SSLException {
        client.engine.beginHandshake();
        server.engine.beginHandshake();
        // Both have a turn without a move: nothing more comes.
        while (exchange(client, server) | exchange(server, client)) {}
        for (Side side : new Side[] {client, server}) {
            if (side.engine.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING) {
                throw new IllegalStateException("it waits for " + side.engine.getHandshakeStatus() + " for ever");
            }
        }
    }

    /** What the server reads of what the client writes. */
    public byte[] toServer(byte[] bytes) throws SSLException {
        return carry(client, server, bytes);
    }

    /** What the client reads of what the server writes. */
    public byte[] toClient(byte[] bytes) throws SSLException {
        return carry(server, client, bytes);
    }

    /** The one engine's moves, and the other's reading of them; whether there was any. */
    private static boolean exchange(Side from, Side to) throws SSLException {
        boolean moved = false;
        while (move(from, to)) {
            moved = true;
        }
        return moved;
    }

    private static boolean move(Side from, Side to) throws SSLException {
        switch (from.engine.getHandshakeStatus()) {
            case NEED_TASK -> {
                from.engine.getDelegatedTask().run();
                return true;
            }
            case NEED_WRAP -> {
                wrap(from, to, ByteBuffer.allocate(0));
                return true;
            }
            case NEED_UNWRAP -> {
                // Netty's engine looks once more at what it has read already, and is done only then.
                int before = from.arrived.position();
                unwrap(from);
                return before > 0 || from.engine.getHandshakeStatus() != HandshakeStatus.NEED_UNWRAP;
            }
            default -> {
                return from.arrived.position() > 0 && unwrap(from).length >= 0;
            }
        }
    }

    private static byte[] carry(Side from, Side to, byte[] bytes) throws SSLException {
        var source = ByteBuffer.wrap(bytes);
        var read = ByteBuffer.allocate(bytes.length);
        while (read.hasRemaining()) {
            if (source.hasRemaining()) {
                wrap(from, to, source);
            }
            while (to.arrived.position() > 0) {
                read.put(unwrap(to));
                while (to.engine.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
                    to.engine.getDelegatedTask().run();
                }
            }
        }
        return read.array();
    }

    private static void wrap(Side from, Side to, ByteBuffer source) throws SSLException {
        var result = from.engine.wrap(source, to.arrived);
        require(result);
    }

    private static byte[] unwrap(Side side) throws SSLException {
        var clear = ByteBuffer.allocate(LARGEST_RECORD);
        side.arrived.flip();
        var result = side.engine.unwrap(side.arrived, clear);
        boolean nothing = !side.arrived.hasRemaining();
        side.arrived.compact();
        if (result.getStatus() != SSLEngineResult.Status.BUFFER_UNDERFLOW || !nothing) {
            require(result);
        }
        return Arrays.copyOf(clear.array(), clear.position());
    }

    private static void require(SSLEngineResult result) {
        if (result.getStatus() != SSLEngineResult.Status.OK) {
            throw new IllegalStateException(result.toString());
        }
    }
}
