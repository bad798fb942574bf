package io.netpark.callback;

import io.netpark.blocking.BlockingConnection;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.time.Duration;

/** A socket of the kernel of a {@link ScheduledRun}, where tests have the JDK's elsewhere. Whoever waits in it lets others have their turn. */
final class ScheduledSocket extends Socket {

    private final BlockingConnection connection;
    private final InputStream in;
    private final OutputStream out = new OutputStream() {
        @Override
        public void write(int value) throws IOException {
            connection.write(new byte[] {(byte) value});
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            connection.write(bytes, offset, length);
        }
    };
    private volatile boolean breaksOff;
    private volatile boolean hasEnded;

    ScheduledSocket(BlockingConnection connection) {
        this.connection = connection;
        this.in = connection.asInputStream();
    }

    @Override
    public InputStream getInputStream() {
        return in;
    }

    @Override
    public OutputStream getOutputStream() {
        return out;
    }

    @Override
    public void shutdownOutput() throws NetparkException {
        hasEnded = true;
        connection.shutdownOutput();
    }

    @Override
    public boolean isOutputShutdown() {
        return hasEnded;
    }

    @Override
    public void setSoLinger(boolean on, int seconds) {
        breaksOff = on && seconds == 0;
    }

    @Override
    public void close() {
        if (breaksOff) {
            connection.reset();
        } else {
            connection.close();
        }
    }

    @Override
    public boolean isClosed() {
        return connection.isClosed();
    }

    @Override
    public boolean isConnected() {
        return true;
    }

    @Override
    public void setSoTimeout(int millis) {
        connection.setReadTimeout(millis == 0 ? Due.INFINITE : Duration.ofMillis(millis));
    }

    /** As all of them are. */
    @Override
    public void setTcpNoDelay(boolean on) {}

    @Override
    public SocketAddress getLocalSocketAddress() {
        try {
            return connection.localAddress();
        } catch (NetparkException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public SocketAddress getRemoteSocketAddress() {
        return connection.remoteAddress();
    }

    @Override
    public InetAddress getInetAddress() {
        return ((InetSocketAddress) connection.remoteAddress()).getAddress();
    }

    @Override
    public int getPort() {
        return ((InetSocketAddress) connection.remoteAddress()).getPort();
    }

    @Override
    public int getLocalPort() {
        return ((InetSocketAddress) getLocalSocketAddress()).getPort();
    }
}
