package io.netpark.core.testing.tls;

import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLDistPoint;
import org.bouncycastle.asn1.x509.DistributionPoint;
import org.bouncycastle.asn1.x509.DistributionPointName;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/**
 * What a certificate is to be like. Without more: of a server, with a key of an elliptic curve that others have too, valid since
 * yesterday and for a month.
 */
public final class Order {

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Instant NOW = Instant.now();

    private final @Nullable Authority issuer;
    private final List<String> names;
    private @Nullable String commonName;
    private boolean named = true;
    private boolean authority;
    private KeyPurposeId purpose = KeyPurposeId.id_kp_serverAuth;
    // TLS 1.2 without forward secrecy, which nobody here wants, would need keyEncipherment with RSA.
    private int usage = KeyUsage.digitalSignature;
    private @Nullable KeyPair keys;
    private Instant from = NOW.minus(Duration.ofDays(1));
    private Instant to = NOW.plus(Duration.ofDays(30));
    private @Nullable String revocations;

    Order(@Nullable Authority issuer, List<String> names) {
        this.issuer = issuer;
        this.names = names;
    }

    /** A certificate that nobody else has signed. */
    public static Order selfSigned(String... names) {
        return new Order(null, List.of(names));
    }

    static Order ofAuthority(@Nullable Authority issuer, String name) {
        var order = new Order(issuer, List.of()).commonName(name);
        order.authority = true;
        return order;
    }

    /** The subject's name; without it, the first of the names. */
    public Order commonName(String name) {
        commonName = name;
        return this;
    }

    /** Names only the subject, as certificates of old do. */
    public Order withoutAlternativeNames() {
        named = false;
        return this;
    }

    public Order key(KeyKind kind) {
        return keys(kind.shared());
    }

    public Order keys(KeyPair pair) {
        keys = pair;
        return this;
    }

    /** For a client, and for a server no more. */
    public Order forClients() {
        purpose = KeyPurposeId.id_kp_clientAuth;
        return this;
    }

    /** For neither servers nor clients. */
    public Order forCode() {
        purpose = KeyPurposeId.id_kp_codeSigning;
        return this;
    }

    /** Its key may not sign, which in a handshake it has to. */
    public Order forAgreementOnly() {
        usage = KeyUsage.keyAgreement;
        return this;
    }

    public Order valid(Instant start, Instant end) {
        from = start;
        to = end;
        return this;
    }

    /** Since yesterday. */
    public Order expired() {
        return valid(NOW.minus(Duration.ofDays(30)), NOW.minus(Duration.ofDays(1)));
    }

    /** Until tomorrow. */
    public Order notYetValid() {
        return valid(NOW.plus(Duration.ofDays(1)), NOW.plus(Duration.ofDays(30)));
    }

    /** Where the authority says what it has taken back, such as a {@code file:} URI, or one of a server of the test. */
    public Order revocationsAt(String uri) {
        revocations = uri;
        return this;
    }

    public Identity issue() {
        var certificate = certificate();
        var chain = new ArrayList<X509Certificate>();
        chain.add(certificate);
        if (issuer != null) {
            chain.addAll(issuer.chain());
        }
        return new Identity(chain, pair().getPrivate());
    }

    private KeyPair pair() {
        var chosen = keys;
        return chosen != null ? chosen : KeyKind.EC.shared();
    }

    X509Certificate certificate() {
        var subject = new X500Principal("CN=" + (commonName != null ? commonName : names.get(0)));
        var by = issuer != null ? issuer.certificate() : null;
        PrivateKey signing = issuer != null ? issuer.key() : pair().getPrivate();
        var signedBy = KeyKind.of((by != null ? by.getPublicKey() : pair().getPublic()));
        var serial = new BigInteger(127, RANDOM).add(BigInteger.ONE);
        var certificate = new JcaX509v3CertificateBuilder(
                by != null ? by.getSubjectX500Principal() : subject, serial, Date.from(from), Date.from(to), subject, pair().getPublic());
        try {
            var extensions = new JcaX509ExtensionUtils();
            certificate.addExtension(
                    Extension.subjectKeyIdentifier, false, extensions.createSubjectKeyIdentifier(pair().getPublic()));
            if (by != null) {
                certificate.addExtension(Extension.authorityKeyIdentifier, false, extensions.createAuthorityKeyIdentifier(by));
            }
            certificate.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
            certificate.addExtension(Extension.keyUsage, true, new KeyUsage(usage()));
            if (!authority) {
                certificate.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purpose));
            }
            if (named && !names.isEmpty()) {
                certificate.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(alternatives()));
            }
            if (revocations != null) {
                var where = new GeneralNames(new GeneralName(GeneralName.uniformResourceIdentifier, revocations));
                var points = new DistributionPoint[] {new DistributionPoint(new DistributionPointName(where), null, null)};
                certificate.addExtension(Extension.cRLDistributionPoints, false, new CRLDistPoint(points));
            }
            var signer = new JcaContentSignerBuilder(signedBy.signature()).build(signing);
            return new JcaX509CertificateConverter().getCertificate(certificate.build(signer));
        } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }

    private int usage() {
        return authority ? KeyUsage.keyCertSign | KeyUsage.cRLSign : usage;
    }

    private GeneralName[] alternatives() {
        return names.stream()
                .map(name -> new GeneralName(isAddress(name) ? GeneralName.iPAddress : GeneralName.dNSName, name))
                .toArray(GeneralName[]::new);
    }

    private static boolean isAddress(String name) {
        return name.indexOf(':') >= 0 || name.matches("[0-9.]+");
    }
}
