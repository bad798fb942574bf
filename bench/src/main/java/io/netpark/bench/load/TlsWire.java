package io.netpark.bench.load;

import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.Errno;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Bytes in records. What is not a whole record yet, and what the socket has no room for, is kept until it is. */
final class TlsWire implements Wire {

    /** Room for a record of any engine. */
    static final int RECORD = 18 * 1024;

    private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);

    private final Traffic traffic;
    private final TlsClients clients;
    private final int fd;
    private final SSLEngine engine;
    private boolean begun;
    private @Nullable NativeMemory unsent;
    private int unsentFrom;
    private int unsentTo;
    private @Nullable ByteBuffer unread;
    private boolean more;

    TlsWire(Traffic traffic, TlsClients clients, InetSocketAddress server, int fd) {
        this.traffic = traffic;
        this.clients = clients;
        this.fd = fd;
        this.engine = clients.engine(server);
    }

    @Override
    public boolean established() throws IOException {
        if (!begun) {
            begun = true;
            engine.beginHandshake();
        }
        flush();
        shake();
        long result = receive();
        if (result != -Errno.EAGAIN) {
            throw result < 0 ? LoadFailure.of("receive", result)
                    : new LoadFailure(result == 0 ? "the server has ended the handshake" : "the server spoke before it was asked");
        }
        if (engine.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING) {
            return false;
        }
        clients.check(engine);
        return true;
    }

    /** Whatever the engine wants to do without the peer. */
    private void shake() throws IOException {
        while (true) {
            switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> engine.getDelegatedTask().run();
                case NEED_WRAP -> {
                    ByteBuffer out = clients.out.buffer().clear();
                    engine.wrap(NOTHING, out);
                    sendRecords(out.position());
                }
                default -> {
                    return;
                }
            }
        }
    }

    @Override
    public long send(NativeMemory memory, int offset, int length) throws IOException {
        flush();
        if (unsent != null) {
            return -Errno.EAGAIN;
        }
        ByteBuffer clear = memory.buffer().limit(offset + length).position(offset);
        ByteBuffer out = clients.out.buffer().clear();
        while (clear.hasRemaining() && out.remaining() >= RECORD) {
            SSLEngineResult result = engine.wrap(clear, out);
            if (result.getStatus() != Status.OK) {
                throw new LoadFailure("wrap: " + result);
            }
        }
        sendRecords(out.position());
        return clear.position() - offset;
    }

    /** Sends so many bytes of the common memory; what there is no room for is kept. */
    private void sendRecords(int length) throws LoadFailure {
        int sent = unsent != null ? 0 : transmit(clients.out.address(), length);
        if (sent == length) {
            return;
        }
        NativeMemory kept = NativeMemory.allocate(unsentTo - unsentFrom + length - sent);
        if (unsent != null) {
            kept.buffer().put(unsent.buffer().limit(unsentTo).position(unsentFrom));
        }
        kept.buffer().put(clients.out.buffer().limit(length).position(sent));
        unsent = kept;
        unsentFrom = 0;
        unsentTo = kept.size();
    }

    private int transmit(long address, int length) throws LoadFailure {
        long result = traffic.libc.send(fd, address, length, Linux.MSG_NOSIGNAL);
        return result == -Errno.EAGAIN ? 0 : (int) Socket.require("send", result);
    }

    @Override
    public void flush() throws IOException {
        NativeMemory kept = unsent;
        if (kept != null) {
            unsentFrom += transmit(kept.address() + unsentFrom, unsentTo - unsentFrom);
            if (unsentFrom == unsentTo) {
                unsent = null;
                unsentFrom = 0;
                unsentTo = 0;
            }
        }
    }

    @Override
    public long receive() throws IOException {
        ByteBuffer in = clients.in.buffer();
        ByteBuffer clear = traffic.received.buffer().clear();
        do {
            int before = restore(in.clear());
            long result = traffic.libc.recv(fd, clients.in.address() + before, TlsClients.IN, 0);
            if (result <= 0) {
                in.position(0).limit(before);
                keep(in);
                return result;
            }
            more = result == TlsClients.IN;
            unwrap(in.position(0).limit(before + (int) result), clear);
            keep(in);
            shake();
        } while (clear.position() == 0 && (more || engine.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP));
        return clear.position() > 0 ? clear.position() : -Errno.EAGAIN;
    }

    private void unwrap(ByteBuffer in, ByteBuffer clear) throws IOException {
        while (true) {
            HandshakeStatus wanted = engine.getHandshakeStatus();
            SSLEngineResult result = engine.unwrap(in, clear);
            switch (result.getStatus()) {
                case OK -> {
                    shake();
                    boolean stuck = result.bytesConsumed() == 0 && engine.getHandshakeStatus() == wanted;
                    if (stuck || !in.hasRemaining() && engine.getHandshakeStatus() != HandshakeStatus.NEED_UNWRAP) {
                        return;
                    }
                }
                case BUFFER_UNDERFLOW -> {
                    return;
                }
                case CLOSED -> throw new LoadFailure("the server has closed the connection");
                case BUFFER_OVERFLOW -> throw new LoadFailure("unwrap: " + result);
            }
        }
    }

    private int restore(ByteBuffer in) {
        ByteBuffer kept = unread;
        if (kept == null) {
            return 0;
        }
        unread = null;
        in.put(kept);
        return in.position();
    }

    private void keep(ByteBuffer in) {
        if (in.hasRemaining()) {
            unread = ByteBuffer.allocate(in.remaining()).put(in).flip();
        }
    }

    @Override
    public boolean hasMore() {
        return more;
    }

    /** Says goodbye, as far as there is room for it. */
    @Override
    public void close() {
        try {
            if (begun && unsent == null) {
                engine.closeOutbound();
                ByteBuffer out = clients.out.buffer().clear();
                engine.wrap(NOTHING, out);
                traffic.libc.send(fd, clients.out.address(), out.position(), Linux.MSG_NOSIGNAL);
            }
        } catch (SSLException e) {
            // then without
        } finally {
            clients.release(engine);
        }
    }
}
