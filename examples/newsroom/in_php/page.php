<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Newsroom</title>
<link rel="stylesheet" href="/page.css">
<script type="module" src="<?= $escaped(feed_url()) ?>/widget.js"></script>
<header>
  <h1>Newsroom</h1>
  <?php if ($user !== null): ?>
  <form method="post" action="/sign-out">
    <input type="hidden" name="csrf" value="<?= $_SESSION['csrf'] ?>">
    <?= $escaped($user) ?> <button>Sign out</button>
  </form>
  <?php endif ?>
</header>
<form method="post" action="<?= $user === null ? '/sign-in' : '/publish' ?>">
  <input type="hidden" name="csrf" value="<?= $_SESSION['csrf'] ?>">
  <?php if ($error !== ''): ?><p role="alert"><?= $escaped($error) ?></p><?php endif ?>
  <?php if ($user !== null): ?>
  <label>For
    <select name="channel">
      <?php foreach (CHANNELS as $channel => $name): ?><option value="<?= $channel ?>"><?= $name ?></option><?php endforeach ?>
    </select>
  </label>
  <label>Text <textarea name="text" rows="3" required><?= $escaped($text) ?></textarea></label>
  <button>Publish</button>
  <?php else: ?>
  <label>Name <input name="name" required maxlength="40" autocomplete="username"></label>
  <label>Password <input name="password" type="password" required autocomplete="current-password"></label>
  <button>Sign in</button>
  <?php endif ?>
</form>
<div class="columns">
  <section>
    <h2>News</h2>
    <feed-widget channel="radio.news"></feed-widget>
  </section>
  <?php if ($user !== null): ?>
  <section>
    <h2>For the staff</h2>
    <ul id="staff" data-service="<?= $escaped(feed_url()) ?>" data-channel="<?= STAFF ?>" data-token="<?= feed_token($user, ['read' => [STAFF]]) ?>"></ul>
    <script type="module" src="/staff.js"></script>
  </section>
  <?php endif ?>
</div>
</html>
