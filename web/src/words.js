/** The words that the widget and the service's pages speak; people's other words come from Intl. */

/** What each row has, in this order. */
export const NAMES = (
  "new pause resume more empty loading reconnecting refused now cancelled postponed rescheduled online " +
  "allDay tba doors tickets play sensitive repost reply pinned feed calendar"
).split(" ");

/** Those that the widget itself says; the others are for pages that have room. */
export const WIDGET_NAMES =
  "new pause more empty reconnecting now cancelled postponed tickets calendar".split(" ");

/**
 * One row a language; {n} is a number and every phrase fits any number, so that no
 * language needs its plurals here.
 * @type {Record<string, string>}
 */
export const ROWS = {
  en: "{n} new|Pause|Resume|Load more|Nothing here yet|Loading…|Reconnecting…|This feed is not available|Now playing|Cancelled|Postponed|New date|Moved online|All day|Time to be announced|Doors|Tickets|Play|Sensitive content|Reposted|Reply|Pinned|Live feed|Calendar",
  de: "{n} neu|Anhalten|Fortsetzen|Mehr laden|Noch nichts hier|Lädt…|Verbinde neu…|Dieser Feed ist nicht verfügbar|Jetzt läuft|Abgesagt|Verschoben|Neuer Termin|Findet online statt|Ganztägig|Uhrzeit folgt|Einlass|Tickets|Abspielen|Heikler Inhalt|Geteilt|Antwort|Angeheftet|Live-Feed|Kalender",
  fr: "Nouveau : {n}|Pause|Reprendre|Voir plus|Rien pour le moment|Chargement…|Reconnexion…|Ce fil n’est pas disponible|À l’antenne|Annulé|Reporté|Nouvelle date|En ligne|Toute la journée|Horaire à confirmer|Portes|Billets|Écouter|Contenu sensible|Partagé|Réponse|Épinglé|Fil en direct|Agenda",
  es: "Nuevo: {n}|Pausar|Reanudar|Cargar más|Aún no hay nada|Cargando…|Reconectando…|Este canal no está disponible|Sonando ahora|Cancelado|Aplazado|Nueva fecha|En línea|Todo el día|Hora por anunciar|Puertas|Entradas|Reproducir|Contenido sensible|Compartido|Respuesta|Fijado|En directo|Calendario",
  it: "Nuovi: {n}|Pausa|Riprendi|Carica altro|Ancora niente|Caricamento…|Riconnessione…|Questo feed non è disponibile|In onda|Annullato|Rinviato|Nuova data|Online|Tutto il giorno|Orario da definire|Porte|Biglietti|Ascolta|Contenuto sensibile|Condiviso|Risposta|In evidenza|In diretta|Calendario",
  pt: "Novo: {n}|Pausar|Retomar|Carregar mais|Ainda não há nada|A carregar…|A religar…|Este canal não está disponível|A tocar agora|Cancelado|Adiado|Nova data|Online|Todo o dia|Hora a anunciar|Portas|Bilhetes|Ouvir|Conteúdo sensível|Partilhado|Resposta|Fixado|Em direto|Calendário",
  nl: "{n} nieuw|Pauze|Hervatten|Meer laden|Nog niets te zien|Laden…|Opnieuw verbinden…|Deze feed is niet beschikbaar|Nu op de radio|Geannuleerd|Uitgesteld|Nieuwe datum|Online|Hele dag|Tijd volgt|Deuren|Tickets|Afspelen|Gevoelige inhoud|Gedeeld|Antwoord|Vastgezet|Live-feed|Agenda",
  pl: "Nowe: {n}|Wstrzymaj|Wznów|Pokaż więcej|Jeszcze nic tu nie ma|Ładowanie…|Ponowne łączenie…|Ten kanał jest niedostępny|Teraz gramy|Odwołane|Przełożone|Nowy termin|Online|Cały dzień|Godzina wkrótce|Wejście|Bilety|Odtwórz|Treść wrażliwa|Udostępniono|Odpowiedź|Przypięte|Na żywo|Kalendarz",
  sv: "{n} nya|Pausa|Fortsätt|Visa fler|Inget här än|Laddar…|Återansluter…|Flödet är inte tillgängligt|Spelas nu|Inställt|Uppskjutet|Nytt datum|Online|Hela dagen|Tid meddelas|Dörrar|Biljetter|Spela|Känsligt innehåll|Delat|Svar|Fäst|Direktflöde|Kalender",
  cs: "Nové: {n}|Pozastavit|Pokračovat|Načíst další|Zatím nic|Načítání…|Připojování…|Tento kanál není dostupný|Právě hraje|Zrušeno|Odloženo|Nový termín|Online|Celý den|Čas bude upřesněn|Vstup|Vstupenky|Přehrát|Citlivý obsah|Sdíleno|Odpověď|Připnuto|Živě|Kalendář",
  tr: "{n} yeni|Duraklat|Sürdür|Daha fazla|Henüz bir şey yok|Yükleniyor…|Yeniden bağlanıyor…|Bu akış kullanılamıyor|Şimdi çalıyor|İptal edildi|Ertelendi|Yeni tarih|Çevrimiçi|Tüm gün|Saat açıklanacak|Kapı açılışı|Biletler|Oynat|Hassas içerik|Paylaşıldı|Yanıt|Sabitlendi|Canlı akış|Takvim",
  uk: "Нові: {n}|Пауза|Продовжити|Показати ще|Поки порожньо|Завантаження…|З’єднання…|Ця стрічка недоступна|Зараз в ефірі|Скасовано|Відкладено|Нова дата|Онлайн|Увесь день|Час буде оголошено|Вхід|Квитки|Слухати|Делікатний вміст|Поширено|Відповідь|Закріплено|Наживо|Календар",
  ar: "الجديد: {n}|إيقاف مؤقت|استئناف|عرض المزيد|لا شيء بعد|جارٍ التحميل…|إعادة الاتصال…|هذا الموجز غير متاح|على الهواء الآن|أُلغي|أُجّل|موعد جديد|عبر الإنترنت|طوال اليوم|يُعلن الوقت لاحقًا|الأبواب|التذاكر|تشغيل|محتوى حساس|إعادة نشر|ردّ|مثبّت|بث مباشر|التقويم",
  he: "חדשים: {n}|השהיה|המשך|עוד|אין כאן עדיין כלום|טוען…|מתחבר מחדש…|הפיד אינו זמין|מתנגן עכשיו|בוטל|נדחה|מועד חדש|מקוון|כל היום|השעה תפורסם|פתיחת דלתות|כרטיסים|ניגון|תוכן רגיש|שותף|תגובה|נעוץ|עדכונים חיים|יומן",
  ja: "新着 {n} 件|一時停止|再開|さらに|まだありません|読み込み中…|再接続中…|このフィードは利用できません|放送中|中止|延期|日程変更|オンライン開催|終日|時間未定|開場|チケット|再生|閲覧注意|リポスト|返信|固定|ライブフィード|カレンダー",
  zh: "{n} 条新内容|暂停|继续|加载更多|暂无内容|加载中…|重新连接…|此信息流不可用|正在播放|已取消|已延期|改期|转为线上|全天|时间待定|入场|购票|播放|敏感内容|转发|回复|置顶|实时信息流|日历",
};

/** All that are spoken here. */
export const LANGUAGES = Object.keys(ROWS);

/** @param {string} language @param {string[]} names */
export const wordsOf = (language, names) => names.map((name) => ROWS[language].split("|")[NAMES.indexOf(name)]);
