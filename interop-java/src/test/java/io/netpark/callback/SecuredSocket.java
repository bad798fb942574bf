package io.netpark.callback;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PushbackInputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import javax.net.ssl.SSLSocket;

/**
 * The JDK's end of a connection with TLS, behaving as a plain one does. When it is closed, it has read the session tickets that the server
 * has sent: closed with them unread it would reset the connection, as any socket that has unread bytes.
 */
final class SecuredSocket extends Socket {

    private final Socket below;
    private final SSLSocket secured;
    private final PushbackInputStream in;
    private final OutputStream out;
    private volatile boolean writing;

    /** The server's handshake is over as well. */
    SecuredSocket(Socket below, SSLSocket secured) throws IOException {
        this.below = below;
        this.secured = secured;
        this.in = new PushbackInputStream(secured.getInputStream(), 1);
        this.out = new FilterOutputStream(secured.getOutputStream()) {
            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                writing = true;
                out.write(bytes, offset, length);
                writing = false;
            }
        };
        readTickets();
    }

    private void readTickets() throws IOException {
        int timeout = below.getSoTimeout();
        secured.setSoTimeout(1);
        try {
            while (below.getInputStream().available() > 0) {
                int first = in.read();
                if (first >= 0) {
                    in.unread(first);
                }
                return; // and it has read what was in front of that
            }
        } catch (SocketTimeoutException e) {
            // It was tickets.
        } finally {
            secured.setSoTimeout(timeout);
        }
    }

    /** What it is over. */
    Socket below() {
        return below;
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
    public void shutdownOutput() throws IOException {
        secured.shutdownOutput();
    }

    /** At once; the JDK's waits for the peer's end, and for who writes. */
    @Override
    public void close() throws IOException {
        try {
            if (!below.isClosed() && !secured.isOutputShutdown() && !writing) {
                secured.shutdownOutput();
            }
        } catch (IOException e) {
            // The peer has gone.
        } finally {
            below.close();
        }
    }

    @Override
    public boolean isClosed() {
        return below.isClosed();
    }

    @Override
    public boolean isConnected() {
        return below.isConnected();
    }

    @Override
    public void setSoTimeout(int timeout) throws SocketException {
        secured.setSoTimeout(timeout);
    }

    @Override
    public void setTcpNoDelay(boolean on) throws SocketException {
        below.setTcpNoDelay(on);
    }

    @Override
    public SocketAddress getLocalSocketAddress() {
        return below.getLocalSocketAddress();
    }

    @Override
    public SocketAddress getRemoteSocketAddress() {
        return below.getRemoteSocketAddress();
    }

    @Override
    public InetAddress getInetAddress() {
        return below.getInetAddress();
    }

    @Override
    public int getPort() {
        return below.getPort();
    }
}
